// net/http of Go.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	word, err := os.ReadFile("/code/word")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write(word) })
	http.HandleFunc("/where", func(w http.ResponseWriter, r *http.Request) {
		program, _ := os.Executable()
		folder, _ := os.Getwd()
		fmt.Fprintf(w, "%s %s", filepath.Dir(program), folder)
	})
	http.HandleFunc("/length", func(w http.ResponseWriter, r *http.Request) {
		length, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, length)
	})
	http.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("bytes"))
		w.Header().Set("Content-Length", strconv.Itoa(size))
		io.WriteString(w, strings.Repeat("x", size))
	})
	http.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		for number := 0; number < 3; number++ {
			time.Sleep(200 * time.Millisecond)
			fmt.Fprintf(w, "chunk %d\n", number)
			w.(http.Flusher).Flush()
		}
	})
	http.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("slow begins")
		<-r.Context().Done()
		fmt.Println("slow client left")
	})
	panic(http.ListenAndServe("0.0.0.0:"+os.Getenv("OWN_PORT"), nil))
}
