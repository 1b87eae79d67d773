//! Serves the examples on a free port, for the recorder of the book's output.

use std::io;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("the examples are at http://{}", listener.local_addr()?);
    axum::serve(listener, book_examples::app()).await
}
