"""R8: enough is enough; what was prepared but never sent does not count."""


def mail_and_send(shop, customer):
    """One newsletter decided and sent; the answer."""
    answer = shop.email(customer)
    if answer.sells:
        outcome = {"decision_id": answer["decision_id"], "outcome": "sent", "occurred_at": shop.now.isoformat()}
        assert shop.http.post("/v1/outcomes", json=outcome).status_code < 300
    return answer


def test_r8_after_so_many_letters_there_is_silence_until_the_window_has_rolled_on(shop):
    shop.regular("aino")
    sent = 0
    for _ in range(20):
        answer = mail_and_send(shop, "aino")
        if not answer.sells:
            break
        sent += 1
        shop.wait(minutes=30)
    cap = shop.policy.contact_cap
    assert sent == cap.limit, "no more letters than the cap allows"
    assert answer["no_action_reason"]["code"] == "contact_cap"
    assert answer["no_action_reason"]["text"]

    shop.wait(days=cap.window_days)
    assert shop.email("aino").sells, "when the first letters are a window ago, she may be written to again"


def test_r8_one_counter_for_lists_mail_and_site(shop):
    shop.regular("aino")
    for _ in range(shop.policy.contact_cap.limit):
        shop.happens("contact", "aino", channel="email", action_id="old_newsletter", treatment_id="old", status="sent")
        shop.wait(minutes=1)
    assert not shop.email("aino").sells
    kept_off = shop.kept_off(shop.builds_list("evening"))
    assert "contact_cap" in kept_off["aino"]["reason"], "a list does not write to her either"


def test_r8_a_letter_prepared_but_never_sent_does_not_count(shop):
    shop.regular("aino")
    for _ in range(shop.policy.contact_cap.limit):
        assert shop.email("aino").sells
        shop.wait(minutes=1)
    assert not shop.email("aino").sells, "prepared letters hold their place for a while"
    shop.wait(hours=shop.policy.contact_cap.reservation_hours)
    assert shop.email("aino").sells, "but none was sent, so none counts"
