//! The server without its wire: what it holds, and which request goes where.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use http::Method;
use jiff::Timestamp;
use rcgen::{Issuer, KeyPair};
use rustls::crypto::SecureRandom;
use serde_json::json;

use crate::again::Again;
use crate::call::{Answer, Call};
use crate::facts::facts;
use crate::flow;
use crate::openapi;
use crate::path::{Place, Target};
use crate::registry::{Registry, Resource};
use crate::rights::{self, Rights};
use crate::status::Failure;
use crate::store::{Store, Stored};
use crate::{accept, act, auth, beginning, certificate, custom, delete, patch, read, write};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything a request can reach.
pub struct Core {
    pub store: Store,
    registry: RwLock<Arc<Registry>>,
    rights: RwLock<Arc<Rights>>,
    definitions: Mutex<custom::Definitions>,
    /// Applies that need not be looked into again.
    pub again: Again,
    clock: Clock,
    /// The administrator's bearer token.
    pub token: String,
    token_key: [u8; 32],
    random: &'static dyn SecureRandom,
    /// Where the server says that it is.
    pub address: String,
    /// Signs certificates of clients, where the server has an authority.
    pub issuer: Option<Issuer<'static, KeyPair>>,
    /// What a person's own document says of fields.
    pub published: openapi::Published,
}

impl Core {
    /// An empty server with the namespaces that every cluster has.
    pub fn new(clock: Clock, address: String) -> Self {
        let mut core = Core {
            store: Store::default(),
            registry: RwLock::new(Registry::built_in()),
            rights: RwLock::default(),
            definitions: Mutex::default(),
            again: Again::default(),
            clock,
            token: String::new(),
            token_key: [0; 32],
            random: rustls::crypto::aws_lc_rs::default_provider().secure_random,
            address,
            issuer: None,
            published: openapi::Published::default(),
        };
        core.token = core.secret();
        core.token_key = core.bytes();
        beginning::write(&core);
        core
    }

    /// Roles and bindings as they are now.
    pub fn rights(&self) -> Arc<Rights> {
        let known = Arc::clone(&self.rights.read().unwrap_or_else(PoisonError::into_inner));
        let current = Rights::current(self, &known);
        if !Arc::ptr_eq(&known, &current) {
            *self.rights.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&current);
        }
        current
    }

    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn set_registry(&self, registry: Registry) {
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
        self.again.forget();
    }

    /// What CRDs serve, as far as it has been read.
    pub fn definitions(&self) -> MutexGuard<'_, custom::Definitions> {
        self.definitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As objects write it.
    pub fn now(&self) -> String {
        (self.clock)().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    pub fn clock(&self) -> Clock {
        Arc::clone(&self.clock)
    }

    pub fn timestamp(&self) -> Timestamp {
        (self.clock)()
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes).expect("the system has random bytes");
        bytes
    }

    /// A new version 4 UUID.
    pub fn uid(&self) -> String {
        let mut bytes: [u8; 16] = self.bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = hex(&bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// What tokens of accounts are signed with.
    pub fn token_key(&self) -> &[u8] {
        &self.token_key
    }

    /// A secret that nobody guesses.
    fn secret(&self) -> String {
        hex(&self.bytes::<32>())
    }

    /// What generateName appends.
    pub fn suffix(&self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let bytes: [u8; 5] = self.bytes();
        bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
    }

    /// Answers one request.
    pub fn answer(&self, call: &Call) -> Answer {
        let answer = self.try_answer(call).unwrap_or_else(Answer::from);
        let answer = accept::written(call, answer);
        match &call.place {
            Place::Resource(target)
                if target.group.is_empty()
                    && target.resource == "endpoints"
                    && !(target.name.is_some() && call.method == Method::POST) =>
            {
                let why = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
                answer.also_warning(why)
            }
            _ => answer,
        }
    }

    fn try_answer(&self, call: &Call) -> Result<Answer, Failure> {
        if matches!(call.path.as_str(), "/healthz" | "/readyz" | "/livez") {
            return Ok(Answer::Text(200, "ok".to_owned()));
        }
        let user = auth::identify(self, call)?;
        let _ = call.user.set(user.clone());
        match &call.place {
            Place::Plain(parts) => {
                let words: Vec<&str> = parts.iter().map(String::as_str).collect();
                auth::check_path(self, &user, call)?;
                Ok(self.plain(call, &words))
            }
            Place::Version { group, version } => {
                auth::check_path(self, &user, call)?;
                Ok(self
                    .registry()
                    .resource_list(group, version)
                    .map_or_else(|| self.no_version(group), |list| Answer::json(200, &list)))
            }
            Place::Resource(target) => {
                if !self.registry().serves(&target.group, &target.version) {
                    return Ok(self.no_version(&target.group));
                }
                auth::check_resource(self, &user, call, target)?;
                let resource = self
                    .registry()
                    .resource(&target.group, &target.version, &target.resource)
                    .cloned()
                    .ok_or_else(Failure::no_resource)?;
                self.resource(call, &resource, target, &user)
            }
        }
    }

    /// A version that is not served: of a group that is known it is told as a Status.
    fn no_version(&self, group: &str) -> Answer {
        if self.registry().group(group).is_some() || group.is_empty() {
            return Failure::no_resource().into();
        }
        not_a_page()
    }

    fn plain(&self, call: &Call, words: &[&str]) -> Answer {
        let registry = self.registry();
        let is_aggregated = call.header("accept").contains("as=APIGroupDiscoveryList");
        let aggregated = |is_core| Answer::Json {
            code: 200,
            body: registry.aggregated(is_core).to_string().into(),
            content_type: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            warnings: Vec::new(),
        };
        match words {
            ["healthz" | "readyz" | "livez", ..] => Answer::Text(200, "ok".to_owned()),
            ["version"] => Answer::json(200, &facts().version),
            ["api"] if is_aggregated => aggregated(true),
            ["api"] => Answer::json(
                200,
                &json!({
                    "kind": "APIVersions", "versions": ["v1"],
                    "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": self.address }],
                }),
            ),
            ["apis"] if is_aggregated => aggregated(false),
            ["apis"] => Answer::json(200, &registry.group_list()),
            ["apis", group] => registry.group(group).map_or_else(not_a_page, |g| Answer::json(200, &g)),
            ["openapi", "v3", rest @ ..] => openapi::described(&registry, rest, &self.published)
                .map_or_else(not_a_page, |found| Answer::json(200, &found)),
            ["openapi", "v2"] => {
                let wishes = call.header("accept");
                if wishes.is_empty() || wishes.contains("json") || wishes.contains("*/*") {
                    Answer::json(200, &openapi::swagger(&registry, &self.published))
                } else {
                    Answer::Text(406, "406 Not Acceptable\n".to_owned())
                }
            }
            _ => not_a_page(),
        }
    }

    fn resource(
        &self,
        call: &Call,
        resource: &Resource,
        target: &Target,
        user: &auth::User,
    ) -> Result<Answer, Failure> {
        if let Some(subresource) = &target.subresource {
            return self.subresource(call, resource, target, subresource);
        }
        let verb = verb(call, target);
        if !resource.allows(verb) {
            return Err(Failure::method_not_allowed());
        }
        if matches!(verb, "create" | "update" | "patch") {
            call.check_options()?;
        }
        if (resource.is_namespaced && target.ns.is_none() && target.name.is_some())
            || (!resource.is_namespaced && target.ns.is_some())
        {
            return Err(Failure::no_resource());
        }
        match verb {
            "get" => read::get(self, call, resource, target),
            "list" | "watch" => read::list(self, call, resource, target),
            "update" | "patch" if target.name.is_none() => Err(Failure::method_not_allowed()),
            "create" if auth::is_review(resource) => auth::review(self, call, resource, target, user),
            "create" if resource.is("", "bindings") => act::bind_named(self, call, target),
            "create" if !resource.allows("get") => Err(Failure::not_implemented(&resource.plural)),
            "create" => write::create(self, call, resource, target),
            "update" => write::update(self, call, resource, target, ""),
            "patch" => patch::patch(self, call, resource, target, ""),
            "delete" => delete::delete(self, call, resource, target),
            "deletecollection" => delete::delete_collection(self, call, resource, target),
            _ => Err(Failure::method_not_allowed()),
        }
    }

    fn subresource(
        &self,
        call: &Call,
        resource: &Resource,
        target: &Target,
        name: &str,
    ) -> Result<Answer, Failure> {
        let Some(row) = resource.subresources.get(name) else { return Err(Failure::no_resource()) };
        let verb = verb(call, target);
        if !row["verbs"].as_array().is_some_and(|verbs| verbs.iter().any(|allowed| allowed == verb)) {
            return Err(Failure::method_not_allowed());
        }
        match (name, verb) {
            ("status" | "approval" | "ephemeralcontainers" | "resize", "get") => {
                read::get(self, call, resource, target)
            }
            ("approval", "update") if certificate::is_request(resource) => {
                write::update(self, call, resource, target, name)
            }
            ("approval", "patch") if certificate::is_request(resource) => {
                patch::patch(self, call, resource, target, name)
            }
            ("status", "update") => write::update(self, call, resource, target, name),
            ("status", "patch") => patch::patch(self, call, resource, target, name),
            ("binding", "create") => act::bind(self, call, resource, target),
            ("eviction", "create") => act::evict(self, call, resource, target),
            ("scale", "get") => act::scale(self, resource, target),
            ("scale", "update") => act::put_scale(self, call, resource, target),
            ("scale", "patch") => patch::patch(self, call, resource, target, name),
            ("token", "create") if resource.is("", "serviceaccounts") => {
                act::token(self, call, resource, target)
            }
            ("finalize", "update") if resource.is("", "namespaces") => {
                write::update(self, call, resource, target, name)
            }
            _ => {
                read::find(self, resource, target)?;
                Err(Failure::not_implemented(&format!("{}/{name}", resource.plural)))
            }
        }
    }

    /// CRDs and roles have consequences.
    pub fn after_write(&self, resource: &Resource, stored: &Stored) {
        if resource.is(custom::GROUP, custom::PLURAL) {
            custom::refresh(self, &stored.value());
        }
        if resource.is(rights::GROUP, "clusterroles") {
            rights::aggregate(self);
        }
        if certificate::is_request(resource) {
            certificate::sign(self, &stored.value());
        }
        if resource.group == flow::GROUP {
            flow::tell(self);
        }
    }
}

pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The verb that RBAC and discovery name.
pub fn verb(call: &Call, target: &Target) -> &'static str {
    let is_one = target.name.is_some();
    match call.method {
        Method::GET | Method::HEAD if is_one => "get",
        Method::GET | Method::HEAD if call.is_set("watch") => "watch",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if is_one => "delete",
        Method::DELETE => "deletecollection",
        _ => "",
    }
}

fn not_a_page() -> Answer {
    Answer::Text(404, "404 page not found\n".to_owned())
}
