// A go-chassis provider: registers itself and says what it was asked and by whom.
package main

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/go-chassis/go-chassis/v2"
	_ "github.com/go-chassis/go-chassis/v2/bootstrap"
	"github.com/go-chassis/go-chassis/v2/server/restful"
)

type hello struct{}

// answer is what every call gets back, for the test to look at.
type answer struct {
	By      string `json:"by"`
	Method  string `json:"method"`
	Who     string `json:"who"`
	Query   string `json:"query"`
	Body    string `json:"body"`
	Context string `json:"context"`
	Host    string `json:"host"`
}

// Say waits as long as it is told to, so that a call can be open while the program ends.
func (h *hello) Say(c *restful.Context) {
	ms, _ := strconv.Atoi(c.ReadQueryParameter("ms"))
	time.Sleep(time.Duration(ms) * time.Millisecond)
	request := c.ReadRequest()
	body, _ := io.ReadAll(request.Body)
	c.WriteJSON(answer{
		By:      os.Getenv("PEER_NAME"),
		Method:  request.Method,
		Who:     c.ReadPathParameter("who"),
		Query:   request.URL.RawQuery,
		Body:    string(body),
		Context: c.ReadHeader("x-cse-context"),
		Host:    request.Host,
	}, "application/json")
}

func (h *hello) URLPatterns() []restful.Route {
	return []restful.Route{
		{Method: http.MethodGet, Path: "/hello/{who}", ResourceFunc: h.Say},
		{Method: http.MethodPost, Path: "/hello/{who}", ResourceFunc: h.Say},
	}
}

func main() {
	chassis.RegisterSchema("rest", &hello{})
	if err := chassis.Init(); err != nil {
		panic(err)
	}
	if err := chassis.Run(); err != nil {
		panic(err)
	}
}
