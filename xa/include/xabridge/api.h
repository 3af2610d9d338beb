/* XABRIDGE_API marks the names our shared libraries export; everything else stays hidden. */
#ifndef XABRIDGE_API_H
#define XABRIDGE_API_H

#define XABRIDGE_API __attribute__((visibility("default")))
/* What is ours alone inside a class that is marked so. */
#define XABRIDGE_LOCAL __attribute__((visibility("hidden")))

#endif
