//! Server-side applies by several managers: each answer is what is read afterwards, and the same apply again changes
//! nothing. The input is cut at zero bytes; each piece is a body, whose first byte picks who applies it, to what, and
//! whether by force.
#![no_main]

mod server;

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use server::{DEPLOYMENTS, MAPS, THINGS};

const APPLY: &str = "application/apply-patch+yaml";

fuzz_target!(|data: &[u8]| {
    server::with(|ask| {
        let get = |path: &str| ask("GET", path, "application/json", Default::default());
        for resource in [MAPS, DEPLOYMENTS, THINGS] {
            ask("DELETE", &format!("{resource}/applied"), "application/json", Default::default());
        }
        for piece in data.split(|byte| *byte == 0).take(6) {
            let Some((choice, body)) = piece.split_first() else { continue };
            let Ok(Value::Object(mut object)) = serde_json::from_slice(body) else { continue };
            let (resource, api_version, kind) = [
                (MAPS, "v1", "ConfigMap"),
                (DEPLOYMENTS, "apps/v1", "Deployment"),
                (THINGS, "example.com/v1", "Thing"),
            ][usize::from(*choice) % 3];
            object.insert("apiVersion".to_owned(), api_version.into());
            object.insert("kind".to_owned(), kind.into());
            if !object.get("metadata").is_some_and(Value::is_object) {
                object.insert("metadata".to_owned(), json!({}));
            }
            object["metadata"]["name"] = "applied".into();
            if let Some(metadata) = object["metadata"].as_object_mut() {
                // These bind an apply to one moment, or make the collector take it.
                for key in ["resourceVersion", "managedFields", "deletionTimestamp", "uid", "finalizers", "ownerReferences"] {
                    metadata.remove(key);
                }
            }
            let (manager, force) = (choice / 3 % 3, choice / 9 % 2 == 1);
            let path = format!("{resource}/applied?fieldManager=m{manager}&force={force}");
            let body = bytes::Bytes::from(Value::Object(object).to_string());
            let (code, answer) = ask("PATCH", &path, APPLY, body.clone());
            if code > 299 {
                continue;
            }
            let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("an object");
            let applied = read(&answer);
            assert_eq!(applied, read(&get(&format!("{resource}/applied")).1));
            let (code, again) = ask("PATCH", &path, APPLY, body);
            assert_eq!(code, 200, "{}", String::from_utf8_lossy(&again));
            assert_eq!(applied, read(&again), "the same again changes something");
        }
    });
});
