//! The project's own templates.

use serde_json::json;

use crate::support::{self, PASSWORD, header};

#[tokio::test]
async fn own_templates_in_the_users_language_are_read_at_each_sending() {
    let folder = tempfile::tempdir().unwrap();
    let emails = folder.path().join("nself/emails");
    let write = |path: &str, text: &str| {
        let path = emails.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("de/email-verify/subject.txt", "Hallo ${displayName}\r\nX-Evil: 1");
    write("de/email-verify/body.html", "<p>${displayName} {{ email }} <a href=\"${link}\">hier</a></p>");
    let server = support::start_with(|options| {
        options.emails = Some(emails.clone());
        options.accounts.require_verified_email = true;
        options.accounts.allowed_locales = vec!["en".to_owned(), "de".to_owned()];
    })
    .await;
    let sign_up = |email: &str, locale: &str| {
        let options = json!({"displayName": "<b>Ann</b>", "locale": locale});
        server.post("/signup/email-password", json!({"email": email, "password": PASSWORD, "options": options}))
    };
    assert_eq!(sign_up("a@example.org", "de").await.status, 200);
    let mail = server.mail.last_to("a@example.org");
    assert_eq!(mail.subject, "Hallo <b>Ann</b> X-Evil: 1");
    let link = header(&mail, "X-Link").replace('&', "&amp;");
    assert_eq!(mail.html, format!("<p>&lt;b&gt;Ann&lt;/b&gt; a@example.org <a href=\"{link}\">hier</a></p>"));
    // The text is the built-in one: there is none of the project's.
    assert!(mail.text.unwrap().contains(&header(&server.mail.last_to("a@example.org"), "X-Link")));

    write("de/email-verify/body.html", "neu");
    sign_up("b@example.org", "de").await;
    assert_eq!(server.mail.last_to("b@example.org").html, "neu");
    sign_up("c@example.org", "en").await;
    assert_eq!(server.mail.last_to("c@example.org").subject, "Verify your email address");

    // A template that cannot be read makes no user.
    write("de/email-verify/body.html", "{% broken");
    assert_eq!(sign_up("d@example.org", "de").await.error(), "internal-server-error");
    write("de/email-verify/body.html", "neu");
    assert_eq!(sign_up("d@example.org", "de").await.status, 200);
}
