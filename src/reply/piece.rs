//! The trait of the items of a streamed body.

use std::borrow::Cow;

use bytes::Bytes;

use crate::error::{Error, Result};

/// An item of a streamed body: bytes, text, or a `Result` of one of these with any error.
///
/// ```
/// use fc_runtime::{App, Reply};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/", async |_| Reply::stream(async_stream::stream! {
///         yield Ok("one, ");
///         yield "2".parse::<u8>().map(|_| "two");
///     }))
///     .test_client();
/// client.get("/").await.assert_text("one, two");
/// # });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a piece of a body",
    label = "`{Self}` cannot be sent as a piece of a body",
    note = "a stream's items are `Bytes`, `Vec<u8>`, `String`, `&'static str`, or a `Result` of one of these with any error",
    note = "an error is a type that implements `std::error::Error`, `Send` and `Sync`, or that `fc_runtime::Error` has a `From` of"
)]
#[doc(alias = "TryStream")]
pub trait IntoPiece {
    #[doc(hidden)]
    fn into_piece(self) -> Result<Bytes>;
}

/// The types that become bytes without a copy.
macro_rules! pieces {
    ($($type:ty),*) => {$(
        impl IntoPiece for $type {
            fn into_piece(self) -> Result<Bytes> {
                Ok(self.into())
            }
        }
    )*};
}

pieces!(Bytes, Vec<u8>, String, &'static str, &'static [u8], Box<[u8]>);

impl IntoPiece for Cow<'static, str> {
    fn into_piece(self) -> Result<Bytes> {
        match self {
            Cow::Borrowed(text) => text.into_piece(),
            Cow::Owned(text) => text.into_piece(),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoPiece, E: Into<Error>> IntoPiece for Result<T, E> {
    fn into_piece(self) -> Result<Bytes> {
        match self {
            Ok(piece) => piece.into_piece(),
            Err(error) => Err(error.into()),
        }
    }
}
