//! `portcullis gate` on a real network: outside, a packet filter, inside.

mod tokbox_2019;
