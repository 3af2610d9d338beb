// Around nothing: the block is a whole file.
//--- block
@block@
