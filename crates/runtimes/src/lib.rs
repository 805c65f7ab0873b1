//! Makes a plan real; embedded runs it as processes on this machine.
