/* XABRIDGE_API marks the names our shared libraries export; everything else stays hidden. */
#ifndef XABRIDGE_API_H
#define XABRIDGE_API_H

#define XABRIDGE_API __attribute__((visibility("default")))

#endif
