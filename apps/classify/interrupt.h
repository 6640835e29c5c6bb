// Ctrl-C as a question that long work asks between two steps, so that it can save what it has. The first
// SIGINT, SIGTERM or SIGHUP (a terminal that was closed) sets a flag; a second one of the same kind ends the
// program at once. One that is ignored stays so.
#pragma once

namespace gradus::classify {

// From now on the first signal sets the flag. Call once.
void catch_interrupts();
bool interrupted();

}  // namespace gradus::classify
