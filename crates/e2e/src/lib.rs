//! The stories and traces that the whole product is tested with; they are in `tests/it`. Nothing is built from here.
