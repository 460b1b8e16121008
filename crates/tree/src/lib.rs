//! Files as a source holds them: a read-only view of a folder or of memory that nothing can leave.
