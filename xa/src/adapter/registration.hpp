// Dynamic registration: a thread takes part in a transaction when it first asks for a connection,
// and not before. See <xabridge/state_tables/registration.hpp>, table 6-3.
//
// Where that table's states are kept: D1 is ThreadRm::active, D2 a suspended association of the
// branch table, D3 ThreadRm::native, and D0 none of them. A branch that ax_reg names is begun,
// joined or resumed by the same operations as for xa_start.
#pragma once

#include "impl.hpp"

namespace xabridge::rm {

/// Asks the transaction manager what this thread works for, in D0 or D2. XA_OK: D1 or D3 now.
/// Otherwise no work is possible and the state is as before: the transaction manager refused, or
/// what it named cannot be begun here.
Answer take_part(const Call& call, int rmid);

/// D3 to D0: the work outside any global transaction is over. Ends it in its session, rolling back
/// what is open (XA_RBROLLBACK), and calls ax_unreg once.
Answer end_native_work(ThreadRm& rm, int rmid);

}  // namespace xabridge::rm
