// The contract's routes on net/http, as its documentation writes them. Go 1.19 has no patterns with wildcards: paths are cut by hand.
package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	text = "text/plain; charset=utf-8"
	body = 2 << 20
)

type order struct {
	Item     string `json:"item"`
	Quantity int64  `json:"quantity"`
}

func main() {
	port := os.Getenv("FC_CUSTOM_LISTEN_PORT")
	if port == "" {
		port = "9000"
	}
	http.HandleFunc("/plaintext", func(w http.ResponseWriter, r *http.Request) { say(w, "Hello, World!") })
	http.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { say(w, "ok") })
	http.HandleFunc("/json", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, map[string]string{"message": "Hello, World!"})
	})
	http.HandleFunc("/users/", user)
	http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		io.Copy(w, r.Body)
	})
	http.HandleFunc("/orders", take)
	http.HandleFunc("/block", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(asked(r, "ms")) * time.Millisecond)
		say(w, "blocked")
	})
	http.HandleFunc("/spin", func(w http.ResponseWriter, r *http.Request) {
		end := time.Now().Add(time.Duration(asked(r, "ms")) * time.Millisecond)
		for time.Now().Before(end) {
		}
		say(w, "spun")
	})
	http.HandleFunc("/large", large)
	if err := http.ListenAndServe(":"+port, nil); err != nil {
		panic(err)
	}
}

func user(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/users/"), "/")
	if len(parts) == 1 && parts[0] != "" {
		say(w, parts[0])
		return
	}
	if len(parts) != 3 || parts[1] != "posts" {
		http.NotFound(w, r)
		return
	}
	user, err := strconv.ParseUint(parts[0], 10, 32)
	post, err2 := strconv.ParseUint(parts[2], 10, 32)
	if err != nil || err2 != nil {
		http.Error(w, "not a number", http.StatusBadRequest)
		return
	}
	answer(w, http.StatusOK, struct {
		User uint64 `json:"user"`
		Post uint64 `json:"post"`
	}{user, post})
}

func take(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, body)).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if o.Quantity <= 0 {
		http.Error(w, "the quantity has to be more than 0", http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Location", "/orders/"+o.Item)
	answer(w, http.StatusCreated, o)
}

func large(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	piece := make([]byte, 64<<10)
	for left := asked(r, "bytes"); left > 0; left -= len(piece) {
		if left < len(piece) {
			piece = piece[:left]
		}
		w.Write(piece)
	}
}

func asked(r *http.Request, name string) int {
	number, _ := strconv.Atoi(r.URL.Query().Get(name))
	return number
}

func say(w http.ResponseWriter, words string) {
	w.Header().Set("Content-Type", text)
	io.WriteString(w, words)
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	bytes, _ := json.Marshal(value)
	w.WriteHeader(status)
	w.Write(bytes)
}
