// What most test files include, parsed once for all of them: the standard headers of
// cmake/precompiled.hpp and more, and Catch2.
#pragma once

#include <csignal>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <future>
#include <random>
#include <stdexcept>

#include "../../cmake/precompiled.hpp"
#include "catch.hpp"
