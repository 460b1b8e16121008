//! What the targets of the API server share: a server with some objects, which is made anew now and then.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use sluice_apiserver::Server;

/// Inputs after which a new server begins, so that what they leave does not pile up.
const INPUTS: u32 = 2_000;

pub const MAPS: &str = "/api/v1/namespaces/default/configmaps";
pub const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
pub const THINGS: &str = "/apis/example.com/v1/namespaces/default/things";

thread_local! {
    static SERVER: RefCell<(u32, Option<Server>)> = const { RefCell::new((0, None)) };
}

/// Sends requests to the server at hand.
pub fn with(run: impl FnOnce(&dyn Fn(&str, &str, &str, Bytes) -> (u16, Bytes))) {
    SERVER.with_borrow_mut(|(inputs, server)| {
        if *inputs == INPUTS {
            (*inputs, *server) = (0, None);
        }
        *inputs += 1;
        let server = server.get_or_insert_with(begun);
        run(&|method, path, kind, body| ask(server, method, path, kind, body));
    });
}

fn ask(server: &Server, method: &str, path: &str, kind: &str, body: Bytes) -> (u16, Bytes) {
    let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
    let request = request.header("authorization", format!("Bearer {}", server.token())).body(body);
    // Not every text is a path.
    let Ok(request) = request else { return (400, Bytes::new()) };
    let (code, body) = server.ask(request);
    // A 500 that names no reason is the real server's answer to bodies of a wrong shape.
    let is_known = !matches!(code, 500..) || !String::from_utf8_lossy(&body).contains("InternalError");
    assert!(code >= 200 && is_known, "{code} {}", String::from_utf8_lossy(&body));
    (code, body)
}

fn begun() -> Server {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = runtime.block_on(Server::bind(0, Arc::new(jiff::Timestamp::now))).expect("a port");
    let field = |rule: &str, schema: Value| {
        let mut schema = schema;
        schema["x-kubernetes-validations"] = json!([{ "rule": rule }]);
        schema
    };
    let text = json!({ "type": "string" });
    let item = json!({ "type": "object", "required": ["name"], "properties": { "name": text, "n": { "type": "integer" } } });
    let schema = json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": {
        "text": field("self.size() < 9", text.clone()),
        "count": { "type": "integer", "minimum": 0, "default": 1 },
        "either": { "x-kubernetes-int-or-string": true },
        "set": { "type": "array", "x-kubernetes-list-type": "set", "items": text },
        "list": { "type": "array", "items": text },
        "map": { "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": item },
        "atom": { "type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": text },
        "any": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
    } } } });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": "things.example.com" },
        "spec": { "group": "example.com", "scope": "Namespaced", "names": { "plural": "things", "kind": "Thing" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }] },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert_eq!(ask(&server, "POST", path, "application/json", definition.to_string().into()).0, 201);
    for (name, labels) in [("a", json!({ "app": "a", "n": "1" })), ("b", json!({ "app": "b" })), ("c", json!({}))] {
        let map = json!({ "metadata": { "name": name, "labels": labels }, "data": { "k": name } });
        assert_eq!(ask(&server, "POST", MAPS, "application/json", map.to_string().into()).0, 201);
    }
    server
}
