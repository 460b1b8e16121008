//! A client asks for a certificate, gets it when an administrator approves, and is known by it.

use std::sync::Arc;

use base64::Engine;
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};
use sluice_apiserver::Server;

use super::Target;

const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_known_by_the_certificate_that_was_approved() {
    let server = Server::bind(0, Arc::new(jiff::Timestamp::now)).await.unwrap();
    let (url, authority) = (server.url(), server.authority().to_owned());
    let admin = Target::new(&url, &authority, server.token());
    let running = tokio::spawn(server.run());
    let ask = async |method: &str, path: &str, body: &Value| {
        let step = json!({ "method": method, "path": path, "body": body });
        admin.answer(&step, &super::mask::Seen::default()).await
    };

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "jo");
    params.distinguished_name.push(DnType::OrganizationName, "makers");
    let pem = params.serialize_request(&key).unwrap().pem().unwrap();
    let request = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": { "name": "jo" },
        "spec": {
            "request": base64::engine::general_purpose::STANDARD.encode(pem),
            "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"],
        },
    });
    assert_eq!(ask("POST", REQUESTS, &request).await["status"], 201);
    let path = format!("{REQUESTS}/jo");
    let mut object = ask("GET", &path, &Value::Null).await["body"].clone();
    assert!(object["status"]["certificate"].is_null());
    object["status"]["conditions"] =
        json!([{ "type": "Approved", "status": "True", "reason": "Test", "message": "m" }]);
    let approved = ask("PUT", &format!("{path}/approval"), &object).await;
    assert_eq!(approved["status"], 200, "{approved}");
    let signed = ask("GET", &path, &Value::Null).await["body"]["status"]["certificate"].clone();
    let packed = signed.as_str().expect("it is signed");
    let certificate = base64::engine::general_purpose::STANDARD.decode(packed).unwrap();

    let client = |identity: Option<reqwest::Identity>| {
        let root = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only([root]).no_proxy();
        identity.into_iter().fold(builder, reqwest::ClientBuilder::identity).build().unwrap()
    };
    let identity = [certificate, key.serialize_pem().into_bytes()].concat();
    let jo = client(Some(reqwest::Identity::from_pem(&identity).unwrap()));
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let asked = jo.post(format!("{url}{WHO}")).json(&review).send().await.unwrap();
    let told: Value = asked.json().await.unwrap();
    let groups = json!(["makers", "system:authenticated"]);
    assert_eq!(told["status"]["userInfo"], json!({ "username": "jo", "groups": groups }), "{told}");
    let secrets = jo.get(format!("{url}/api/v1/namespaces/default/secrets")).send().await.unwrap();
    assert_eq!(secrets.status(), 403);
    let nobody = client(None).post(format!("{url}{WHO}")).json(&review).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    running.abort();
}
