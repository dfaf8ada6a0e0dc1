#pragma once

// Planted bugs, for the gate that shows what the simulator finds. They exist
// only where PANAL_MUTANTS is defined, in one test program; everywhere else
// each switch is the constant `false` and nothing of it is compiled.

#ifdef PANAL_MUTANTS
#include "tests/simulator/mutants.hpp"
/// True while the planted bug `name` is switched on.
#define PANAL_MUTANT(name) (::panal::active_mutant == ::panal::mutant::name)
#else
#define PANAL_MUTANT(name) false
#endif
