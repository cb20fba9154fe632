// A go-chassis consumer: makes a framework call for every plain request that the test sends to PEER_CONTROL.
package main

import (
	"context"
	"io"
	"net/http"
	"os"

	"github.com/go-chassis/go-chassis/v2"
	_ "github.com/go-chassis/go-chassis/v2/bootstrap"
	"github.com/go-chassis/go-chassis/v2/client/rest"
	"github.com/go-chassis/go-chassis/v2/core"
)

func main() {
	if err := chassis.Init(); err != nil {
		panic(err)
	}
	invoker := core.NewRestInvoker()
	http.HandleFunc("/call", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		request, err := rest.NewRequest(r.Method, r.URL.Query().Get("url"), body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		response, err := invoker.ContextDo(context.Background(), request)
		if err != nil {
			http.Error(w, "the call failed: "+err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		w.WriteHeader(response.StatusCode)
		io.Copy(w, response.Body)
	})
	if err := http.ListenAndServe(os.Getenv("PEER_CONTROL"), nil); err != nil {
		panic(err)
	}
}
