"""Reads every kind of object by the official SDK, and prints what it learnt."""
import json
import sys

from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.models import Config

endpoint, key, secret = sys.argv[1:]
client = Client(Config(endpoint=endpoint, protocol="http", access_key_id=key, access_key_secret=secret))
replies = {
    "function": client.get_function("f", models.GetFunctionRequest()),
    "functionOfVersion": client.get_function("f", models.GetFunctionRequest(qualifier="1")),
    "functions": client.list_functions(models.ListFunctionsRequest(prefix="f", limit=5)),
    "trigger": client.get_trigger("f", "web"),
    "triggers": client.list_triggers("f", models.ListTriggersRequest()),
    "versions": client.list_function_versions("f", models.ListFunctionVersionsRequest()),
    "alias": client.get_alias("f", "prod"),
    "aliases": client.list_aliases("f", models.ListAliasesRequest()),
    "asyncConfig": client.get_async_invoke_config("f", models.GetAsyncInvokeConfigRequest(qualifier="prod")),
    "concurrency": client.get_concurrency_config("f"),
    "scaling": client.get_scaling_config("f", models.GetScalingConfigRequest(qualifier="LATEST")),
    "vpcs": client.list_vpc_bindings("f"),
    "domain": client.get_custom_domain("sdk.example.com"),
    "domains": client.list_custom_domains(models.ListCustomDomainsRequest()),
    "layer": client.get_layer_version("common", "1"),
    "layers": client.list_layers(models.ListLayersRequest()),
}
print(json.dumps({name: reply.body.to_map() for name, reply in replies.items()}))
