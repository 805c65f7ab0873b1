//! The composition root of nself serve: builds the services, supervises the children, owns start and stop.
