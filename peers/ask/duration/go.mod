module ask/duration

go 1.26
