/* The application's side of the processes: what a program under a foreign transaction manager
 * does with the database it is given. A library per database, loaded when work is asked for. */
#ifndef FOREIGN_TM_APPLICATION_H
#define FOREIGN_TM_APPLICATION_H

#include <xabridge/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `text` gets the first value of the result, or why there is none. */
enum { WORK_DONE = 0, WORK_FAILED = 1, WORK_NO_CONNECTION = 2 };

/* On the connection of the calling thread's branch at rmid. */
XABRIDGE_API int application_work(int rmid, const char *sql, char *text, long size);

/* On a connection of its own, outside any branch, for looking and preparing. */
XABRIDGE_API int application_outside(const char *open_string, const char *sql, char *text,
                                     long size);

#ifdef __cplusplus
}
#endif

#endif
