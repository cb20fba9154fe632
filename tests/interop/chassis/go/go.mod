module peer

go 1.18

require github.com/go-chassis/go-chassis/v2 v2.7.1
