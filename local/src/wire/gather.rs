//! Small pieces go out as one.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

/// The most bytes that are copied, to save the kernel the list of pieces.
const SMALL: usize = 1024;

/// Writes pieces, as `poll_write_vectored` does. A head with a small body is one piece for the kernel.
pub(crate) fn write<W: AsyncWrite>(
    stream: Pin<&mut W>,
    context: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let mut own = [0; SMALL];
    let mut length = 0;
    for slice in slices {
        let Some(place) = own.get_mut(length..length + slice.len()) else {
            return stream.poll_write_vectored(context, slices);
        };
        place.copy_from_slice(slice);
        length += slice.len();
    }
    stream.poll_write(context, &own[..length])
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn pieces_come_in_order_whatever_their_sizes() {
        for sizes in [&[][..], &[5], &[5, 0, 7], &[SMALL], &[SMALL - 1, 2], &[2, SMALL, 3]] {
            let pieces: Vec<Vec<u8>> =
                sizes.iter().zip(b'a'..).map(|(size, byte)| vec![byte; *size]).collect();
            let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            let (mut stream, mut other) = tokio::io::duplex(4 * SMALL);
            let written =
                std::future::poll_fn(|context| write(Pin::new(&mut stream), context, &slices)).await;
            drop(stream);
            let mut read = Vec::new();
            other.read_to_end(&mut read).await.unwrap();
            assert_eq!(written.unwrap(), read.len());
            assert_eq!(read, pieces.concat(), "{sizes:?}");
        }
    }
}
