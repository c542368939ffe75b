//! Probing real sockets: on loopback without privileges, and in network namespaces with a packet
//! filter between, where there is root.

mod hostile;
mod lab;
mod loopback;
mod namespace;
mod servers;
mod slow_lane;
mod states;
