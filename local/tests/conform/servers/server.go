// The routes of docs/conform.md on net/http. The standard library has neither WebSockets nor gRPC.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var busy int64

func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name))
	return n
}

// ticks writes pieces until the last one or the client's departure.
func ticks(kind, before, after string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		atomic.AddInt64(&busy, 1)
		defer atomic.AddInt64(&busy, -1)
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		pause := time.Duration(number(r, "first"))
		for at := 0; at < number(r, "n"); at++ {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(pause * time.Millisecond):
			}
			pause = time.Duration(number(r, "ms"))
			fmt.Fprintf(w, "%stick %d%s", before, at, after)
			w.(http.Flusher).Flush()
		}
	}
}

func sleep(w http.ResponseWriter, r *http.Request) {
	atomic.AddInt64(&busy, 1)
	defer atomic.AddInt64(&busy, -1)
	select {
	case <-r.Context().Done():
	case <-time.After(time.Duration(number(r, "ms")) * time.Millisecond):
		io.WriteString(w, "slept")
	}
}

func invoke(w http.ResponseWriter, r *http.Request) {
	event, err := io.ReadAll(r.Body)
	if err == nil && string(event) != "fail" {
		w.Header().Set("x-fc-status", "200")
		w.Write(event)
		return
	}
	fmt.Fprintln(os.Stderr, "the event fails")
	w.Header().Set("x-fc-status", "404")
	w.WriteHeader(404)
	json.NewEncoder(w).Encode(map[string]string{"errorMessage": "as asked", "errorType": "Asked"})
}

func main() {
	text := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, text) }
	}
	http.HandleFunc("/conform/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("x-conform-method", r.Method)
		// Whole: net/http drops what is unread of a body when the reply begins.
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})
	http.HandleFunc("/conform/upload", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})
	http.HandleFunc("/conform/status", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(number(r, "code"))
		io.WriteString(w, "status")
	})
	http.HandleFunc("/conform/headers", func(w http.ResponseWriter, r *http.Request) {
		told := map[string]string{}
		for name, values := range r.Header {
			told[strings.ToLower(name)] = strings.Join(values, ", ")
		}
		json.NewEncoder(w).Encode(told)
	})
	http.HandleFunc("/conform/sleep", sleep)
	http.HandleFunc("/conform/block", func(w http.ResponseWriter, r *http.Request) {
		for end := time.Now().Add(time.Duration(number(r, "ms")) * time.Millisecond); time.Now().Before(end); {
		}
	})
	http.HandleFunc("/conform/busy", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, atomic.LoadInt64(&busy)) })
	http.HandleFunc("/conform/health", text("well"))
	http.HandleFunc("/conform/stream", ticks("text/plain", "", "\n"))
	http.HandleFunc("/conform/sse", ticks("text/event-stream", "data: ", "\n\n"))
	http.HandleFunc("/conform/fail", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(os.Stderr, "the handler fails")
		http.Error(w, "as asked", 500)
	})
	http.HandleFunc("/conform/log", func(w http.ResponseWriter, r *http.Request) { fmt.Println(r.URL.Query().Get("text")) })
	http.HandleFunc("/conform/child", func(w http.ResponseWriter, r *http.Request) { exec.Command("true").Run() })
	http.HandleFunc("/invoke", invoke)
	http.HandleFunc("/initialize", text("done"))
	http.HandleFunc("/pre-stop", text("done"))

	server := &http.Server{Addr: ":" + os.Getenv("FC_SERVER_PORT")}
	ended := make(chan struct{})
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		<-signals
		server.Shutdown(context.Background())
		close(ended)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	<-ended
}
