// The state tables of XA chapter 6 as data: what a call may do in a state, and where the answer
// leads. One header per table.
//
// The order of every entry is: ask, act, then move. Ask: may() says whether the cell is empty,
// before any statement is sent. Act: the server is called. Move: after() gives the next state for
// the answer that came. Nothing else in xabridge decides about states.
#pragma once

#include <xabridge/state_tables/association.hpp>
#include <xabridge/state_tables/asynchrony.hpp>
#include <xabridge/state_tables/branch.hpp>
#include <xabridge/state_tables/prepare_at_end.hpp>
#include <xabridge/state_tables/registration.hpp>
#include <xabridge/state_tables/resource_manager.hpp>
