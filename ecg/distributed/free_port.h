// free_port.h
//
// A port where processes of this host can meet.
//
//   const int port = FreePort();

#ifndef ECG_DISTRIBUTED_FREE_PORT_H_
#define ECG_DISTRIBUTED_FREE_PORT_H_

namespace ecg {

// FreePort returns a port of the loopback that nobody listens on now; 0 where there is none.
int FreePort();

}  // namespace ecg

#endif  // ECG_DISTRIBUTED_FREE_PORT_H_
