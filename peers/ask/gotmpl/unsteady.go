package main

import "fmt"

// What is drawn by chance, so wrapped that the answer is always the same.
func unsteadyCases() []string {
	var all []string
	wrap := func(form string, arguments ...string) {
		for _, argument := range arguments {
			all = append(all, fmt.Sprintf("{{ $r := "+form+" }}{{ printf \"%%T|%%v\" $r $r }}", argument))
		}
	}
	odd := []string{`"a"`, `nil`, `.nope`, `1.5`, `true`, `(list)`, `.map`, `(int64 3)`}
	for _, name := range []string{"randAlpha", "randAlphaNum", "randAscii", "randNumeric", "randBytes"} {
		wrap("("+name+" %s)", append([]string{"0"}, odd...)...)
		wrap("(len ("+name+" %s))", "1", "7", "64", "-1")
		all = append(all, "{{ "+name+" }}", "{{ "+name+" 1 2 }}")
	}
	wrap(`(randAlpha %s | regexMatch "^[a-zA-Z]*$")`, "0", "1", "40")
	wrap(`(randAlphaNum %s | regexMatch "^[a-zA-Z0-9]*$")`, "0", "1", "40")
	wrap(`(randNumeric %s | regexMatch "^[0-9]*$")`, "0", "1", "40")
	wrap(`(randAscii %s | regexMatch "^[ -~]*$")`, "0", "1", "40")
	wrap(`(randBytes %s | b64dec | len)`, "0", "1", "40")
	wrap("(randInt %s)", "0 1", "5 6", "-3 -2", "5 5", "6 5", `"a" 1`, "1", "1 nil", "1 2 3", "1.5 2", "0 .nope")
	wrap("(uuidv4 %s)", "1", "nil", `"a"`)
	all = append(all, `{{ uuidv4 | len }}`, `{{ uuidv4 | regexMatch "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$" }}`, `{{ eq uuidv4 uuidv4 }}`, `{{ uuidv4 | splitList "-" | len }}`, `{{ uuidv4 | empty }}{{ "" }}`, `{{ uuidv4 | trunc 0 }}`, `{{ ne "" uuidv4 }}`)
	wrap("(shuffle %s)", append([]string{`""`, `"a"`, `"aaaa"`}, odd[1:]...)...)
	wrap("(shuffle %s | len)", `"abc"`, `"hello world"`, `"é"`)
	wrap("(now %s)", "1", "nil", `"a"`)
	all = append(all, `{{ now | empty }}{{ "" }}`, `{{ kindOf now }}`, `{{ typeOf now }}`, `{{ now | date "" }}`, `{{ now | ago }}`, `{{ (now).Year | typeOf }}`, `{{ now | date "2006" | len }}{{ nil }}`, `{{ len (now | htmlDate) }}{{ false }}`)
	wrap("(ago %s)", "(now)", "(dict)", `""`, "nil", ".nope", "(list)", "true")
	wrap("(ago %s | kindOf)", "0", "1", "-1", `(toDate "2006" "2020")`, "1.5", "(int64 7)")
	all = append(all, "{{ ago }}", "{{ ago 1 2 }}")
	wrap("(bcrypt %s)", "nil", "1", ".nope", "(list)", "true", `"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`)
	wrap("(bcrypt %s | len)", `""`, `"a"`, `"héllo"`)
	wrap("(bcrypt %s | trunc 7)", `"a"`, `"b"`)
	wrap("(htpasswd %s)", `"a:b" "c"`, `"a"`, `nil "b"`, `1 2`, `"a" .nope`, `"a" "b" "c"`, `"a" (list)`)
	wrap("(htpasswd %s | len)", `"" ""`, `"a" "b"`, `"user" ""`)
	wrap("(encryptAES %s)", `"a"`, `nil "b"`, `1 "b"`, `"k" .nope`, `"k" (list)`, `"a" "b" "c"`)
	wrap(`(encryptAES "k" %s | decryptAES "k")`, `""`, `"text"`, `"héllo wörld"`, `"exactly sixteen!"`)
	wrap("(keys %s | sortAlpha)", "(dict)", `(dict "b" 1 "a" 2)`, ".map", ".none", ".map .deep")
	wrap("(keys %s)", "nil", "1", `"a"`, ".nope", "(list)", "(dict) nil")
	wrap("(values %s)", "nil", "1", `"a"`, ".nope", "(list)", "(dict)", `(dict "a" 1)`, ".none", `(dict "x" nil)`)
	wrap("(values %s | len)", ".map", ".deep", `(dict "b" 1 "a" 2)`)
	wrap("(getHostByName %s)", append([]string{`"localhost"`, `""`}, odd[1:]...)...)
	wrap("(lookup %s)", `"v1" "Pod" "" ""`, `"" "" "" ""`, `"v1" "Pod" "default" "x"`, `"v1" "Pod"`, `1 2 3 4`, `"v1" nil "" ""`, `"v1" "Pod" "" .nope`, `"apps/v1" "Deployment" "-" "0"`, `"v1" "Pod" (list) ""`)
	wrap("(derivePassword %s)", `1 "long" "" "" ""`, `1 "pin" "p" "u" "s"`, `0 "maximum" "p" "u" "s"`, `-1 "basic" "p" "u" "s"`, `1 "nope" "p" "u" "s"`, `"a" "long" "p" "u" "s"`, `1 2 3 4 5`, `1 "long"`, `nil "long" "p" "u" "s"`, `1 "short" "p" nil "s"`, `1 "medium" "p" "u" "s"`, `1.5 "name" "p" "u" "s"`, `2 "phrase" "p" "u" "s"`)
	wrap("(include %s)", `"nope" .`, `"" nil`, `1 .`, `nil .`, `"x"`, `"a" .nope 1`, `(list) .`)
	for _, body := range []string{"in", "{{ . }}", "{{ .a }}", "{{ fail . }}", ""} {
		for _, dot := range []string{".", "nil", `"s"`, "(dict)", "0"} {
			all = append(all, `{{ define "d" }}`+body+`{{ end }}{{ include "d" `+dot+` | len }}`)
		}
	}
	wrap("(tpl %s)", `"" .`, `"{{ .s }}" .`, `"{{" .`, `"{{ .nope.x }}" .`, `1 .`, `nil .`, `"x"`, `"{{ . }}" nil`, `"{{ fail . }}" "no"`, `"a{{/* c */}}b" .`, `"{{ upper 1 }}" .`, `"{{ define \"q\" }}z{{ end }}{{ include \"q\" . }}" .`, `(list) .`, `"{{ .i }}" (dict "i" 0)`)
	wrap("(fail %s)", `"no"`, `""`, "nil", "1", ".nope", "(list)", `"a" "b"`)
	wrap("(hello %s)", "1", "nil", `""`, "-1")
	all = append(all, "{{ hello }}", "{{ hello | upper }}{{ nil | default 1 }}", `{{ hello | empty }}{{ "" }}`, `{{ hello | len }}{{ list }}`)
	wrap("(call %s)", "1", "nil", ".s", ".nope", `.map.a`, "(list)", "(semver \"1.2.3\").Major", `"" 0`)
	all = append(all, `{{ call }}`, `{{ call nil 1 }}`)
	// Functions that chance seldom gives what they take.
	wrap("(mustChunk %s)", `2 (list 1 2 3)`, `1 (list)`, `5 .strs`, `3 (until 7)`)
	for _, name := range []string{"mustDateModify", "must_date_modify"} {
		wrap("("+name+` %s | date "2006-01-02T15:04:05")`, `"2h" (toDate "2006-01-02" "2024-02-29")`, `"-36h" (toDate "2006-01-02" "2024-03-01")`, `"0s" (toDate "2006" "2020")`)
	}
	wrap("(mustRegexFindAll %s)", `"a+" "aab a" -1`, `"b" "aaa" -1`, `"." "" 0`, `"(a)" "aaa" 2`)
	wrap("(mustRegexReplaceAllLiteral %s)", `"a" "banana" "$1"`, `"" "ab" "-"`, `"x" "" "y"`)
	wrap("(mustRegexSplit %s)", `"a" "banana" -1`, `"," "" -1`, `"," "a,b,c" 2`)
	wrap(`(mustToDate %s | date "2006-01-02T15:04:05")`, `"2006-01-02" "2024-02-29"`, `"15:04" "00:00"`, `"Jan 2006" "Mar 1999"`)
	wrap("(date_in_zone %s)", `"2006-01-02" (toDate "2006-01-02" "2024-02-29") "UTC"`, `"15:04" 0 "UTC"`, `"" (toDate "2006" "2020") "UTC"`)
	wrap("(semverCompare %s)", `"^1.2" "1.3.0"`, `">=2" "1.0.0"`, `"*" "0.0.0"`, `"~1.2.3 || 2.x" "2.5.0"`)
	wrap("(seq %s)", `"a"`, "nil", "1.5", "(list)", "1 .nope")
	return all
}

// Keys and certificates, likewise.
func certificates() []string {
	var all []string
	wrap := func(form string, arguments ...string) {
		for _, argument := range arguments {
			all = append(all, fmt.Sprintf("{{ $r := "+form+" }}{{ printf \"%%T|%%v\" $r $r }}", argument))
		}
	}
	key := `(genPrivateKey "ecdsa")`
	ca := `(genCAWithKey "a" 3 ` + key + `)`
	wrap(`(genPrivateKey %s | regexFind "BEGIN [A-Z ]*KEY")`, `"ecdsa"`, `"ed25519"`, `"rsa"`)
	wrap("(genPrivateKey %s)", `"nope"`, "nil", "1", ".nope", "(list)", `"a" "b"`, `"EC"`)
	wrap(`((genCA %s).Cert | regexMatch "BEGIN CERTIFICATE")`, `"ca" 10`, `"" 0`, `"é" -1`)
	wrap("(genCA %s)", `"ca"`, `"ca" "x"`, `nil 1`, `1 1`, `"ca" 1 2`, `"ca" .nope`)
	wrap(`((genCAWithKey %s `+key+`).Cert | regexMatch "BEGIN CERTIFICATE")`, `"ca" 10`, `"" 0`, `"x" -1`)
	wrap("(genCAWithKey %s)", `"ca" 1 "no key"`, `"ca" 1 ""`, `"ca" 1`, `1 1 1`, `"ca" 1 nil`)
	wrap(`((genSelfSignedCert %s).Key | regexMatch "PRIVATE KEY")`, `"a" nil nil 1`, `"" (list) (list) 0`, `"a" (list "127.0.0.1" "::1") (list "a.b" "*.c") 365`)
	wrap("(genSelfSignedCert %s)", `"a" (list 1) nil 1`, `"a" (list "x") nil 1`, `"a" nil (list 1) 1`, `"a" nil nil "x"`, `1 nil nil 1`, `"a"`, `"a" "b" nil 1`)
	wrap(`((genSelfSignedCertWithKey %s `+key+`).Cert | regexMatch "BEGIN CERTIFICATE")`, `"a" nil nil 1`, `"" (list) (list) 0`, `"a" (list "10.0.0.1") (list "a.b") -5`)
	wrap("(genSelfSignedCertWithKey %s)", `"a" nil nil 1 ""`, `"a" nil nil 1 "x"`, `"a" (list nil) nil 1 `+key, `"a" nil nil 1`, `"a" nil nil nil `+key)
	wrap(`((genSignedCert %s `+ca+`).Cert | regexMatch "BEGIN CERTIFICATE")`, `"a" nil nil 1`, `"" (list) (list) 0`, `"a" (list "127.0.0.1") (list "a.b") 9`)
	wrap("(genSignedCert %s)", `"a" nil nil 1 nil`, `"a" nil nil 1 "x"`, `"a" nil nil 1`, `"a" (list 5) nil 1 `+ca, `"a" nil nil 1 (dict)`, `"a" nil (list 2.5) 1 `+ca)
	wrap(`((genSignedCertWithKey %s `+ca+` `+key+`).Key | regexMatch "EC PRIVATE KEY")`, `"a" nil nil 1`, `"" (list) (list) 0`, `"a" nil (list "a.b") 2`)
	wrap("(genSignedCertWithKey %s)", `"a" nil nil 1 nil "x"`, `"a" nil nil 1 `+ca+` "x"`, `"a" nil nil 1 `+ca+` ""`, `"a" nil nil 1 `+ca, `"a" (list 1) nil 1 `+ca+` `+key)
	wrap("(buildCustomCert %s)", `"" ""`, `"!" ""`, `"eA==" "!"`, `"eA==" "eA=="`, `nil "x"`, `1 2`, `"a"`, `"" nil`)
	all = append(all, `{{ $c := `+ca+` }}{{ (buildCustomCert (b64enc $c.Cert) (b64enc $c.Key)).Cert | eq $c.Cert }}`, `{{ $c := `+ca+` }}{{ (buildCustomCert (b64enc $c.Cert) (b64enc $c.Key)).Key | eq $c.Key }}`, `{{ $c := `+ca+` }}{{ buildCustomCert (b64enc $c.Cert) "" }}`, `{{ $c := `+ca+` }}{{ typeOf (buildCustomCert (b64enc $c.Cert) (b64enc $c.Key)) }}`)
	return all
}
