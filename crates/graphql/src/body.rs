//! The response body around the values of root fields.

use bytes::{BufMut, Bytes, BytesMut};

use crate::plan::Root;

/// `{"data":{…}}` while it is written, field by field in the plan's order.
#[derive(Debug)]
pub(crate) struct Body<'p> {
    out: BytesMut,
    /// Whose object is open.
    namespace: Option<&'p str>,
    /// Nothing stands in the innermost open object.
    first: bool,
}

impl<'p> Body<'p> {
    /// `size`: bytes to make room for.
    pub fn new(size: usize) -> Self {
        let mut out = BytesMut::with_capacity(size);
        out.put_slice(b"{\"data\":{");
        Self { out, namespace: None, first: true }
    }

    pub fn field(&mut self, root: &'p Root, value: &[u8]) {
        let namespace = root.namespace.as_deref();
        if namespace != self.namespace {
            if self.namespace.is_some() {
                self.out.put_u8(b'}');
                self.first = false;
            }
            if let Some(key) = namespace {
                self.key(key);
                self.out.put_u8(b'{');
                self.first = true;
            }
            self.namespace = namespace;
        }
        self.key(&root.key);
        self.out.put_slice(value);
    }

    fn key(&mut self, key: &str) {
        self.out.put_slice(if self.first { b"\"" } else { b",\"" });
        self.out.put_slice(key.as_bytes());
        self.out.put_slice(b"\":");
        self.first = false;
    }

    pub fn finish(mut self) -> Bytes {
        self.out.put_slice(if self.namespace.is_some() { b"}}}" } else { b"}}" });
        self.out.freeze()
    }
}
