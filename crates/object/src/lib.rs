//! A Kubernetes object without a type, and what is computed from it alone.
