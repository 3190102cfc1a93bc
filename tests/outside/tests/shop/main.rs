//! Drives the shop as its users would: over sockets with the clients that they have, as a program, and in memory.

mod composed;
mod in_memory;
mod observed;
mod readers;
mod served;
