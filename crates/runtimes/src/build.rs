//! Interim.
pub fn apply(_p: &project::Project, _plan: &stack::Plan) -> Result<(), crate::Error> { Ok(()) }
