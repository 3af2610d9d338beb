/* Around a fragment in C that stands outside of functions: nothing. */
//--- block
@block@
