//! Texts from anywhere.

use proptest::prelude::*;
use sluice_object::normalize::quantity;
use sluice_object::{Object, ObjectId, ca_bundle};

proptest! {
    #[test]
    fn no_id_panics_and_what_is_read_is_written_again(text in "[a-z_:.]{0,24}") {
        if let Ok(id) = ObjectId::from_inventory(&text) {
            prop_assert_eq!(ObjectId::from_inventory(&id.to_inventory()).map(|again| again.name), Ok(id.name));
        }
    }

    #[test]
    fn a_canonical_quantity_stays_the_same(text in "[-+]?[0-9]{1,15}(\\.[0-9]{0,12})?([numkMG]|[KMGT]i)?") {
        let once = quantity::canonical(&text).expect("the shape of a quantity");
        prop_assert_eq!(quantity::canonical(&once), Ok(once));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,64}", bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = quantity::canonical(&text);
        let _ = ObjectId::from_inventory(&text);
        let pem = format!("-----BEGIN CERTIFICATE-----{}-----END CERTIFICATE-----", String::from_utf8_lossy(&bytes));
        let bundle = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
        let crd = serde_json::json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": bundle}}}}});
        ca_bundle::remove_invalid(&mut Object::try_from(crd).unwrap());
    }
}
