//! Rows of declared × configured × observed: the only place where the three meet.

mod row;

pub use row::{Cells, ConfiguredCell, Declared, Exposure, ObservedCell};
