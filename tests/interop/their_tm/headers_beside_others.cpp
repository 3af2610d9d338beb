// The same as C++.
#include "headers_beside_others.c"
