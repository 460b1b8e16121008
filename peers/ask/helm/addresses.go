// Which addresses Helm's lint takes for those of maintainers: JSON lines of [text, is an e-mail address, is a URL].

package main

import (
	"encoding/json"
	"math/rand"
	"os"
	"strings"

	"github.com/asaskevich/govalidator"
)

var known = []string{
	"", "a", "a@b", "a@b.c", "a@b.co", "first.last@example.com", "first..last@example.com", ".a@b.co", "a.@b.co", "a+b@c.de", "a b@c.de", "a@b c.de", "a@@b.de", "@b.de", "a@", "a@.de", "a@b.", "a@b.de.", "a@b..de", "a@-b.de", "a@b-.de", "a@b-c.de", "a@b_c.de", "a@b.c-d", "a@b.1", "a@b.c1", "a@1.de", "a@1.2.3.4", "a@[1.2.3.4]", "\"a b\"@c.de", "\"a@b\"@c.de", "\"a\"b@c.de", "é@b.de", "a@é.de", "a@b.dé", "a@日本.jp", "<a@b.de>", "A B <a@b.de>", "a@b.de,c@d.de", "mailto:a@b.de", "a!#$%&'*+-/=?^_`{|}~@b.de", "a(b)@c.de", "a,b@c.de", "a;b@c.de", "a:b@c.de", "a\\b@c.de", "a@b.de\n", "\na@b.de", "a@b~c.de", "a@b.d~e", "a@b.d.e.f.g", "A@B.DE", "1@2.com", "-@b.de", "a@b.de-", "none", "team@example", "user@localhost",
	"http://a", "http://a.b", "https://example.com", "https://example.com/", "https://example.com:8080/a/b?c=d#e", "http://localhost", "http://localhost:80", "localhost", "localhost:80", "example.com", "www.example.com", "www.", "http://www.", "ftp://a.b", "tcp://a.b", "udp://a.b", "ws://a.b", "wss://a.b", "git://a.b", "ssh://a.b", "mailto:x@y.z", "//a.b", "/a/b", "a/b", "a.b/c", "?", "#", "http://", "https://", "http:///a", "http://a b", "http://a.b/c d", "http://a.b/c%20d", "http://a.b/é", "http://é.de", "http://-a.b", "http://a-.b", "http://a-b.c", "http://a--b.c", "http://a_b.c", "http://_a.b", "http://a..b", "http://.a", "http://a.", "http://a.b.", "http://a.b.:80", "http://u@a.b", "http://u:p@a.b", "http://u:@a.b", "http://:p@a.b", "u@a.b", "http://1.2.3.4", "http://1.2.3.4:5/6", "http://0.0.0.0", "http://256.1.1.1", "http://1.2.3", "http://[::1]", "http://[::1]:80/a", "http://[1]", "http://a:99999", "http://a:999999", "http://a:x", "http://a:", "HTTP://A.B", "Http://a.b", "http:a.b", "http:/a.b", "https//a.b", "a:b", "a.b:c", "http://a.b?c", "http://a.b#c", "http://a.b&c", "http://a.b;c", "http://a.b,c", "http://a.b!c", "x y", " http://a.b", "http://a.b ", "http://a.b\n", "https://github.com/org/repo", "https://github.com/org/repo/tree/main/charts/x", "https://example.com/~user", "https://sub.sub.example.co.uk/x", "@handle", "github.com/@handle", "https://a.b/@c", "TBD", "n/a", "none.", ".", "..", "...", "-", "_", "a-b", "a_b", "1", "12", "123",
}

var pieces = []string{"a", "b", "1", ".", ".", "-", "_", "@", "@", ":", "/", "//", "http://", "https://", "www.", "com", "é", " ", "~", "+", "80", "?", "#", "[", "]", "\"", "::1", "x.y", "a.de"}

func recordAddresses() {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	say := func(text string) {
		if err := encoder.Encode([]any{text, govalidator.IsEmail(text), govalidator.IsURL(text)}); err != nil {
			panic(err)
		}
	}
	for _, text := range known {
		say(text)
	}
	random := rand.New(rand.NewSource(5))
	for range 3000 {
		var text strings.Builder
		for range 2 + random.Intn(7) {
			text.WriteString(pieces[random.Intn(len(pieces))])
		}
		say(text.String())
	}
}
