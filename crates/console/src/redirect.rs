use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use askama::Template;

use crate::Error;

#[derive(Template)]
#[template(path = "redirect.html")]
struct Redirect<'a> {
    link: &'a str,
}

/// Writes a page that sends whoever opens it to `link`, readable by its owner only. A browser is started with the
/// path of this page because other users can read a program's arguments, and the link signs its bearer in.
pub fn write_redirect(path: &Path, link: &str) -> Result<(), Error> {
    let fail = |source| Error::Redirect { path: path.to_owned(), source };
    let page = Redirect { link }.render().map_err(|error| fail(std::io::Error::other(error)))?;
    // A new file each time: an older one may have been made with another mode or be a link to somewhere else.
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
    file.write_all(page.as_bytes()).map_err(fail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_page_is_private_and_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console.html");
        fs::write(&path, "old").unwrap();
        write_redirect(&path, "http://localhost:8080/console/login#abc").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let page = fs::read_to_string(&path).unwrap();
        assert!(page.contains("url=http://localhost:8080/console/login#abc"), "{page}");
        let missing = folder.path().join("missing/console.html");
        assert!(matches!(write_redirect(&missing, "x"), Err(Error::Redirect { .. })));
    }
}
