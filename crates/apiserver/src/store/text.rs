//! The text of a stored object. Where there are many, one that has not changed for some time is kept packed: most objects say
//! what others of their kind say, so a text takes a tenth when it is written as what it has beside another one.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

thread_local! {
    // Both are large and costly to make.
    static PACKER: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(3), false));
    static UNPACKER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// What a text may be packed beside; a packer looks back no further.
const LONGEST_MODEL: usize = 32 << 10;

/// The text of an object.
#[derive(Debug)]
pub struct Text {
    form: Mutex<Form>,
    length: usize,
}

#[derive(Debug)]
enum Form {
    Plain(Bytes),
    Packed { bytes: Box<[u8]>, model: Arc<[u8]> },
}

impl Text {
    pub fn new(bytes: Bytes) -> Self {
        Self { length: bytes.len(), form: Mutex::new(Form::Plain(bytes)) }
    }

    fn lock(&self) -> MutexGuard<'_, Form> {
        self.form.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn bytes(&self) -> Bytes {
        match &*self.lock() {
            Form::Plain(bytes) => bytes.clone(),
            Form::Packed { bytes, model } => unpack(bytes, self.length, model),
        }
    }

    /// The same, and plain from now on: what is listed once is listed again.
    pub fn unpacked(&self) -> Bytes {
        let mut form = self.lock();
        let plain = match &*form {
            Form::Plain(bytes) => return bytes.clone(),
            Form::Packed { bytes, model } => unpack(bytes, self.length, model),
        };
        *form = Form::Plain(plain.clone());
        plain
    }

    /// What others of the kind can be packed beside.
    pub fn model(&self) -> Arc<[u8]> {
        let bytes = self.bytes();
        Arc::from(&bytes[..bytes.len().min(LONGEST_MODEL)])
    }

    /// Keeps it packed from now on, where that makes it smaller.
    pub fn pack(&self, model: &Arc<[u8]>) {
        let mut form = self.lock();
        if let Form::Plain(plain) = &*form
            && let Some(bytes) = pack(plain, model)
        {
            *form = Form::Packed { bytes, model: Arc::clone(model) };
        }
    }
}

fn pack(plain: &[u8], model: &[u8]) -> Option<Box<[u8]>> {
    PACKER.with_borrow_mut(|packer| {
        packer.reset();
        packer.set_dictionary(model).ok()?;
        let mut packed = Vec::with_capacity(plain.len());
        // What does not fit is not smaller.
        let status = packer.compress_vec(plain, &mut packed, FlushCompress::Finish).ok()?;
        (status == Status::StreamEnd).then(|| packed.into())
    })
}

fn unpack(packed: &[u8], length: usize, model: &[u8]) -> Bytes {
    UNPACKER.with_borrow_mut(|unpacker| {
        unpacker.reset(false);
        let mut plain = Vec::with_capacity(length);
        let is_whole = unpacker.set_dictionary(model).is_ok()
            && unpacker.decompress_vec(packed, &mut plain, FlushDecompress::Finish).is_ok();
        assert!(is_whole && plain.len() == length, "what is packed was packed by us");
        plain.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> String {
        format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"managedFields\":[{{\"fieldsV1\":{{\"f:data\":{{}}}},\
             \"manager\":\"us\",\"operation\":\"Apply\"}}],\"name\":\"{name}\",\"namespace\":\"ns\"}},\"data\":{{\"a\":\"{name}\"}}}}"
        )
    }

    #[test]
    fn a_packed_text_is_what_it_was_and_small() {
        let model = Text::new(object("one").into()).model();
        let text = Text::new(object("another").into());
        let before = text.bytes();
        text.pack(&model);
        let Form::Packed { bytes, .. } = &*text.lock() else { panic!("it is not packed") };
        assert!(bytes.len() * 4 < before.len(), "{} of {}", bytes.len(), before.len());
        let (packed, length) = (bytes.clone(), before.len());
        assert_eq!(unpack(&packed, length, &model), before);
    }

    #[test]
    fn what_does_not_get_smaller_stays_plain() {
        let text = Text::new(Bytes::from_static(b"{}"));
        text.pack(&Arc::from(&b"x"[..]));
        assert!(matches!(&*text.lock(), Form::Plain(_)));
        assert_eq!((text.len(), text.bytes()), (2, Bytes::from_static(b"{}")));
    }
}
