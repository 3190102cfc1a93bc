# The rules that nginx.conf and haproxy.cfg repeat by hand. Each group has the name of its route.
locals {
  routes = [
    "default", "admin", "tenant", "shops", "exact", "apiv2", "gold", "beta", "write", "api", "images", "raw", "ping",
    "local", "remote", "debug",
  ]
  # By priority. What a rule does not name, it does not ask for.
  rules = [
    { to = "admin", host = ["admin.example.com"], method = ["GET", "HEAD"] },
    { to = "tenant", host = ["*.tenant.example.com"], path = ["/app/*"] },
    { to = "shops", host = ["~^shop[0-9]+\\.example\\.com$"] },
    { to = "exact", path = ["/exact"] },
    { to = "apiv2", path = ["/api/*"], query = [{ key = "v", value = "2*" }] },
    { to = "gold", path = ["/api/*"], header = ["gold*", "vip"] },
    { to = "beta", path = ["/api/*"], cookie = [{ key = "group", value = "b?" }] },
    { to = "write", path = ["/api/*"], method = ["POST", "PUT", "DELETE"] },
    { to = "api", path = ["/api", "/api/*"] },
    { to = "images", path = ["~*\\.(png|jpe?g|gif)$"] },
    { to = "raw", path = ["/files/*/raw"] },
    { to = "ping", path = ["/v?/ping"] },
    { to = "old", path = ["~^/old/(.*)$"] },
    { to = "local", path = ["/local/*"], source = ["127.0.0.0/8"] },
    { to = "remote", path = ["/remote/*"], source = ["10.0.0.0/8"] },
    { to = "debug", query = [{ key = "debug", value = "1" }, { key = "debug", value = "true" }] },
  ]
}

resource "alicloud_alb_server_group" "route" {
  for_each          = toset(local.routes)
  server_group_name = each.key
  server_group_type = "Ip"
  health_check_config { health_check_enabled = false }
  servers {
    server_type = "Ip"
    server_id   = "127.0.0.1"
    port        = 9
  }
}

resource "alicloud_alb_listener" "web" {
  load_balancer_id  = "alb-corpus"
  listener_protocol = "HTTP"
  listener_port     = 80
  default_actions {
    type = "ForwardGroup"
    forward_group_config {
      server_group_tuples { server_group_id = alicloud_alb_server_group.route["default"].id }
    }
  }
}

resource "alicloud_alb_rule" "rule" {
  count       = length(local.rules)
  rule_name   = local.rules[count.index].to
  listener_id = alicloud_alb_listener.web.id
  priority    = (count.index + 1) * 10

  dynamic "rule_conditions" {
    for_each = lookup(local.rules[count.index], "host", null) == null ? [] : [local.rules[count.index].host]
    content {
      type = "Host"
      host_config { values = rule_conditions.value }
    }
  }
  dynamic "rule_conditions" {
    for_each = lookup(local.rules[count.index], "path", null) == null ? [] : [local.rules[count.index].path]
    content {
      type = "Path"
      path_config { values = rule_conditions.value }
    }
  }
  dynamic "rule_conditions" {
    for_each = lookup(local.rules[count.index], "method", null) == null ? [] : [local.rules[count.index].method]
    content {
      type = "Method"
      method_config { values = rule_conditions.value }
    }
  }
  dynamic "rule_conditions" {
    for_each = lookup(local.rules[count.index], "header", null) == null ? [] : [local.rules[count.index].header]
    content {
      type = "Header"
      header_config {
        key    = "x-plan"
        values = rule_conditions.value
      }
    }
  }
  dynamic "rule_conditions" {
    for_each = lookup(local.rules[count.index], "source", null) == null ? [] : [local.rules[count.index].source]
    content {
      type = "SourceIp"
      source_ip_config { values = rule_conditions.value }
    }
  }
  dynamic "rule_conditions" {
    for_each = lookup(local.rules[count.index], "query", null) == null ? [] : [local.rules[count.index].query]
    content {
      type = "QueryString"
      query_string_config {
        dynamic "values" {
          for_each = rule_conditions.value
          content {
            key   = values.value.key
            value = values.value.value
          }
        }
      }
    }
  }
  dynamic "rule_conditions" {
    for_each = lookup(local.rules[count.index], "cookie", null) == null ? [] : [local.rules[count.index].cookie]
    content {
      type = "Cookie"
      cookie_config {
        dynamic "values" {
          for_each = rule_conditions.value
          content {
            key   = values.value.key
            value = values.value.value
          }
        }
      }
    }
  }

  dynamic "rule_actions" {
    for_each = local.rules[count.index].to == "old" ? [] : [local.rules[count.index].to]
    content {
      order = 1
      type  = "ForwardGroup"
      forward_group_config {
        server_group_tuples { server_group_id = alicloud_alb_server_group.route[rule_actions.value].id }
      }
    }
  }
  dynamic "rule_actions" {
    for_each = local.rules[count.index].to == "old" ? ["/new/$${1}"] : []
    content {
      order = 1
      type  = "Redirect"
      redirect_config {
        http_code = "302"
        path      = rule_actions.value
      }
    }
  }
}
