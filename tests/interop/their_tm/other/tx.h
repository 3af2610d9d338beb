/* Another transaction manager's tx.h, as far as it matters here: it repeats XID. */
#ifndef TX_H
#define TX_H
#ifndef XIDDATASIZE
#define XIDDATASIZE 128
#ifndef XID_T_TYPE
#define XID_T_TYPE
struct xid_t {
  long formatID;
  long gtrid_length;
  long bqual_length;
  char data[XIDDATASIZE];
};
typedef struct xid_t XID;
#endif
#endif
struct tx_info_t {
  XID xid;
};
int tx_open(void);
#endif
