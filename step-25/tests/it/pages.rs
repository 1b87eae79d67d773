//! The HTML pages.

use testkit::Answer;

use crate::chat;
use crate::people::Person;

fn assert_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.text.starts_with("<!doctype html>"), "{answer:?}");
}

#[tokio::test]
async fn a_newcomer_can_sign_up_and_who_was_here_can_sign_in() {
    let chat = chat().await;

    for (path, form, other) in [
        ("/front/sign-in", "sign-in-form", "/front/sign-up"),
        ("/front/sign-up", "sign-up-form", "/front/sign-in"),
    ] {
        let page = chat.get(path).await;
        assert_page(&page, 200);
        let form = format!(r#"id="{form}""#);
        assert!(page.text.contains(&form), "{}", page.text);
        let other = format!(r#"href="{other}""#);
        assert!(page.text.contains(&other), "{}", page.text);
        assert!(!page.text.contains("Signed in"), "{}", page.text);
    }
}

#[tokio::test]
async fn a_page_says_which_methods_it_takes() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for path in ["/", "/front/users", "/front/lobby", "/front/sign-in"] {
        let page = ada.request("PUT", path, "", None).await.unwrap();
        assert_page(&page, 405);
        assert!(page.header("allow").contains("GET"), "{page:?}");
    }
}

#[tokio::test]
async fn who_changes_from_one_form_to_the_other_still_goes_where_they_wanted() {
    let chat = chat().await;

    for (path, other) in [
        ("/front/sign-in", "/front/sign-up"),
        ("/front/sign-up", "/front/sign-in"),
    ] {
        let page = chat.get(&format!("{path}?next=%2Ffront&x=%22")).await;
        assert_page(&page, 200);
        let link = format!(r#"href="{other}?next=%2Ffront&amp;x=%22""#);
        assert!(page.text.contains(&link), "{}", page.text);
    }
}

#[tokio::test]
async fn each_user_is_listed_with_a_link_to_write_to_them() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;

    let page = ada.get("/front/users").await;

    assert_page(&page, 200);
    let here = r#"href="/front/users" aria-current="page""#;
    assert!(page.text.contains(here), "{}", page.text);
    for (person, nickname) in [(&ada, "ada"), (&bob, "bob")] {
        let link = format!(r#"href="{}?to={}""#, ada.page(), person.id);
        assert!(page.text.contains(&link), "{}", page.text);
        assert!(page.text.contains(nickname), "{}", page.text);
    }
}

#[tokio::test]
async fn the_messages_page_shows_messages_and_a_form() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    let bob = Person::new(&chat, "bob").await;
    let first = ada.says(&bob, "the first").await;
    let second = bob.says(&ada, "the second").await;

    let page = ada.get(&ada.page()).await;

    assert_page(&page, 200);
    for part in [
        format!(r#"data-user-id="{}""#, ada.id),
        r#"id="messages""#.to_owned(),
        r#"id="send-form""#.to_owned(),
        r#"name="recipient_id""#.to_owned(),
        r#"name="content""#.to_owned(),
        format!(r#"<option value="{}">bob</option>"#, bob.id),
        format!(r#"data-id="{}""#, first["id"]),
        format!(r#"data-id="{}""#, second["id"]),
    ] {
        assert!(page.text.contains(&part), "no {part} in {}", page.text);
    }
    let position = |text| page.text.find(text).unwrap();
    assert!(position("the first") < position("the second"));
}

#[tokio::test]
async fn what_people_write_is_shown_as_text() {
    let chat = chat().await;
    let evil = r#"<script>alert("1")</script>'&"#;
    let escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;";
    let eve = Person::new(&chat, evil).await;
    eve.says(&eve, evil).await;

    for path in ["/front/users", &eve.page()] {
        let page = eve.get(path).await;
        assert_page(&page, 200);
        assert!(!page.text.contains("<script>alert"), "{}", page.text);
        assert!(page.text.contains(escaped), "{}", page.text);
    }
}

#[tokio::test]
async fn a_long_list_links_to_older_messages() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;
    for number in 1..=100 {
        ada.says(&ada, &format!("message {number};")).await;
    }
    let all = ada.get(&ada.page()).await;
    assert!(!all.text.contains("?before="), "{}", all.text);
    ada.says(&ada, "message 101;").await;

    let newest = ada.get(&ada.page()).await;
    let link = newest.text.split(r#"href="?before="#).nth(1).unwrap();
    let before = link.split('"').next().unwrap();
    let older = ada.get(&format!("{}?before={before}", ada.page())).await;

    assert!(!newest.text.contains("message 1;"), "{}", newest.text);
    assert!(newest.text.contains("message 2;"), "{}", newest.text);
    assert_page(&older, 200);
    assert!(older.text.contains("message 1;"), "{}", older.text);
    assert!(!older.text.contains("message 2;"), "{}", older.text);
    assert!(!older.text.contains("?before="), "{}", older.text);
    assert!(older.text.contains("Newest messages"), "{}", older.text);
}

#[tokio::test]
async fn errors_under_front_are_pages() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for path in [
        "/front",
        "/front/",
        "/front/nowhere",
        &ada.unknown(99).page(),
        "/front/messages/ada",
        "/front/<b>",
    ] {
        let page = ada.get(path).await;
        assert_page(&page, 404);
        assert!(!page.text.contains("<b>"), "{}", page.text);
    }
    let page = ada.request("POST", "/front/users", "", None).await.unwrap();
    assert_page(&page, 405);
    assert!(!ada.get("/frontier").await.error().is_empty());
}

/// Asks for each file that a page names; returns how many there are.
pub(crate) async fn ask_for_files(person: &Person, path: &str) -> usize {
    let page = person.get(path).await;
    let mut files = 0;
    for part in page.text.split(r#"="/static/"#).skip(1) {
        let name = part.split('"').next().unwrap();
        let file = person.get(&format!("/static/{name}")).await;
        assert_eq!(file.status, 200, "{name}");
        assert_eq!(file.header("cache-control"), "no-cache", "{name}");
        assert!(!file.text.is_empty(), "{name}");
        let expected = match name.rsplit('.').next() {
            Some("css") => "text/css",
            Some("js") => "text/javascript",
            Some("svg") => "image/svg+xml",
            _ => panic!("an unexpected kind of file: {name}"),
        };
        assert_eq!(file.header("content-type"), expected, "{name}");
        files += 1;
    }
    files
}

#[tokio::test]
async fn every_file_that_a_page_names_is_served() {
    let chat = chat().await;
    let ada = Person::new(&chat, "ada").await;

    for path in ["/front/users", "/front/sign-in", "/front/sign-up"] {
        assert!(ask_for_files(&ada, path).await >= 3);
    }
    assert!(ask_for_files(&ada, &ada.page()).await >= 4);
}
