vcl 4.1;
backend function { .host = "127.0.0.1"; .port = "@FUNCTION@"; }
sub vcl_recv {
  if (req.http.upgrade ~ "(?i)websocket") {
    return (pipe);
  }
  return (pass);
}
sub vcl_pipe {
  set bereq.http.connection = req.http.connection;
  set bereq.http.upgrade = req.http.upgrade;
}
