//! libbpf's `btf_dump`, into a string.

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::ptr::NonNull;

use libbpf_sys as sys;
use oxbpf_btf::TextOptions;

use crate::Outcome;
use crate::libbpf::{self, not_null};

/// The longest piece that libbpf prints at once: a `long double` has up to 4940 letters.
const PIECE: usize = 8 << 10;

unsafe extern "C" {
    fn vsnprintf(to: *mut c_char, size: usize, format: *const c_char, args: *mut sys::__va_list_tag)
    -> c_int;
}

pub(in crate::btf) struct Dump {
    pointer: NonNull<sys::btf_dump>,
    text: Box<Text>,
}

/// What was printed. It stays where it is, as libbpf keeps its address.
#[derive(Default)]
struct Text(Vec<u8>);

/// Appends what is printed to the [`Text`] behind `to`.
unsafe extern "C" fn append(to: *mut c_void, format: *const c_char, args: *mut sys::__va_list_tag) {
    let mut piece = [0u8; PIECE];
    // SAFETY: so many bytes are there; the format and its arguments are libbpf's.
    let len = unsafe { vsnprintf(piece.as_mut_ptr().cast(), PIECE, format, args) };
    // SAFETY: that of a `Dump`, which is borrowed nowhere while libbpf prints.
    let text = unsafe { &mut *to.cast::<Text>() };
    text.0.extend(&piece[..usize::try_from(len).unwrap_or(0).min(PIECE - 1)]);
}

impl Dump {
    pub(in crate::btf) fn new(btf: &libbpf::Btf) -> io::Result<Dump> {
        let mut text = Box::<Text>::default();
        let to = (&raw mut *text).cast();
        // SAFETY: the BTF is live and outlives the dump in every caller; `to` stays where it is, in its box.
        let pointer = unsafe { sys::btf_dump__new(btf.as_ptr(), Some(append), to, std::ptr::null()) };
        Ok(Dump { pointer: not_null("btf_dump__new", pointer)?, text })
    }

    /// What it prints for all types of a BTF that ends before `end`, up to the first that it cannot print: which.
    pub(in crate::btf) fn types(&mut self, end: u32) -> (String, Option<u32>) {
        // SAFETY: the dump is live, and looks up the id itself.
        let one = |id: &u32| unsafe { sys::btf_dump__dump_type(self.pointer.as_ptr(), *id) } < 0;
        let failed = (1..end).find(one);
        (String::from_utf8_lossy(&self.text.0).into_owned(), failed)
    }

    /// What it returns and prints for the first `len` bytes of `data`. libbpf may read the others, too.
    pub(in crate::btf) fn data(
        &mut self,
        ty: u32,
        data: &[u8],
        len: usize,
        options: &TextOptions,
    ) -> Outcome<(c_int, String)> {
        // As aligned as any type wants, and with room behind it: bit-fields are read with their whole storage.
        let mut aligned = vec![0u128; data.len() / 16 + 2];
        for (word, bytes) in aligned.iter_mut().zip(data.chunks(16)) {
            let mut whole = [0; 16];
            whole[..bytes.len()].copy_from_slice(bytes);
            *word = u128::from_le_bytes(whole);
        }
        let indent = CString::new(&*options.indent)?;
        let options = sys::btf_dump_type_data_opts {
            sz: size_of::<sys::btf_dump_type_data_opts>() as _,
            indent_str: indent.as_ptr(),
            indent_level: options.indent_level as c_int,
            compact: options.compact,
            skip_names: options.skip_names,
            emit_zeroes: options.zeroes,
            emit_strings: options.strings,
        };
        // SAFETY: all is live; `len` bytes are there.
        let result = unsafe {
            sys::btf_dump__dump_type_data(
                self.pointer.as_ptr(),
                ty,
                aligned.as_ptr().cast(),
                len as _,
                &options,
            )
        };
        // glibc's way to write a null pointer.
        let text = String::from_utf8_lossy(&self.text.0).replace("(nil)", "0x0");
        Ok((result, text))
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once.
        unsafe { sys::btf_dump__free(self.pointer.as_ptr()) };
    }
}
