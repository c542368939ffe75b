include!(concat!(env!("OUT_DIR"), "/rules.rs"));
