//! Mistakes, one a tree: both engines have to fail, in the same words.

use crate::draft::Draft;

pub struct Fault {
    pub name: &'static str,
    pub put: fn(&mut Draft),
}

pub const FAULTS: &[Fault] = &[
    Fault { name: "fault.missing-resource", put: |draft| to_any(draft, "resources", "nowhere.yaml") },
    Fault { name: "fault.missing-folder", put: |draft| to_any(draft, "resources", "../nowhere") },
    Fault { name: "fault.missing-component", put: |draft| to_any(draft, "components", "../nowhere") },
    Fault {
        name: "fault.base-as-component",
        put: |draft| {
            with_folder(draft, "namePrefix: x-\n");
            to_any(draft, "components", "../extra");
        },
    },
    Fault {
        name: "fault.component-as-base",
        put: |draft| {
            with_folder(
                draft,
                "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: x-\n",
            );
            to_any(draft, "resources", "../extra");
        },
    },
    Fault {
        name: "fault.cycle",
        put: |draft| {
            with_folder(draft, "resources: [../top]\n");
            draft.push(0, "resources", "../extra");
        },
    },
    Fault {
        name: "fault.empty-kustomization",
        put: |draft| {
            with_folder(draft, "");
            draft.push(0, "resources", "../extra");
        },
    },
    Fault {
        name: "fault.two-kustomizations",
        put: |draft| {
            with_folder(draft, "namePrefix: x-\n");
            draft.layers[0].files.push(("../extra/Kustomization".to_owned(), b"namePrefix: y-\n".to_vec()));
            draft.push(0, "resources", "../extra");
        },
    },
    Fault {
        name: "fault.unknown-field",
        put: |draft| {
            let layer = draft.layer();
            draft.set(layer, "nonsense", "1");
        },
    },
    Fault {
        name: "fault.wrong-type",
        put: |draft| {
            let layer = draft.layer();
            draft.set(layer, "patches", "text");
        },
    },
    Fault {
        name: "fault.duplicate-object",
        put: |draft| {
            let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: twice\n";
            resource(draft, &format!("{text}---\n{text}"));
        },
    },
    Fault {
        name: "fault.object-without-kind",
        put: |draft| resource(draft, "apiVersion: v1\nmetadata:\n  name: x\n"),
    },
    Fault {
        name: "fault.object-without-name",
        put: |draft| resource(draft, "apiVersion: v1\nkind: ConfigMap\n"),
    },
    Fault { name: "fault.malformed-yaml", put: |draft| resource(draft, "a: b: c\n") },
    Fault {
        name: "fault.tab",
        put: |draft| resource(draft, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n"),
    },
    Fault {
        name: "fault.infinite-number",
        put: |draft| {
            resource(draft, "apiVersion: v1\nkind: Thing\nmetadata:\n  name: x\nspec: .inf\n");
        },
    },
    Fault {
        name: "fault.key-not-text",
        put: |draft| {
            resource(draft, "apiVersion: v1\nkind: Thing\nmetadata:\n  name: x\nspec:\n  true: x\n");
        },
    },
    Fault {
        name: "fault.label-not-text",
        put: |draft| {
            let layer = draft.layer();
            draft.set(layer, "commonLabels", "{a: 5}");
        },
    },
    Fault { name: "fault.not-an-object", put: |draft| resource(draft, "- 1\n- 2\n") },
    Fault {
        name: "fault.repeated-key",
        put: |draft| {
            resource(draft, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  name: y\n");
        },
    },
    Fault {
        name: "fault.patch-of-nothing",
        put: |draft| {
            to_any(
                draft,
                "patches",
                "patch: |\n  apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: nobody\n",
            );
        },
    },
    Fault {
        name: "fault.bad-expression",
        put: |draft| {
            to_any(
                draft,
                "patches",
                "target:\n  name: \"(\"\npatch: |\n  - op: add\n    path: /a\n    value: b\n",
            );
        },
    },
    Fault {
        name: "fault.bad-selector",
        put: |draft| {
            to_any(
                draft,
                "patches",
                "target:\n  labelSelector: \"a==(\"\npatch: |\n  - op: add\n    path: /a\n    value: b\n",
            );
        },
    },
    Fault {
        name: "fault.operation-on-nothing",
        put: |draft| {
            draft.push(
                0,
                "patches",
                "target:\n  kind: .*\npatch: |\n  - op: remove\n    path: /spec/no/such\n",
            );
        },
    },
    Fault {
        name: "fault.failed-test",
        put: |draft| {
            draft.push(
                0,
                "patches",
                "target:\n  kind: .*\npatch: |\n  - op: test\n    path: /kind\n    value: Nothing\n",
            );
        },
    },
    Fault {
        name: "fault.unknown-operation",
        put: |draft| {
            draft.push(0, "patches", "target:\n  kind: .*\npatch: |\n  - op: jump\n    path: /kind\n");
        },
    },
    Fault { name: "fault.empty-patch", put: |draft| to_any(draft, "patches", "target:\n  kind: .*\n") },
    Fault {
        name: "fault.replica-of-nothing",
        put: |draft| to_any(draft, "replicas", "name: nobody\ncount: 1\n"),
    },
    Fault {
        name: "fault.replacement-without-source",
        put: |draft| {
            draft.push(0, "replacements", "source:\n  kind: Nobody\n  name: x\ntargets:\n- select:\n    kind: ConfigMap\n  fieldPaths: [a.b]\n");
        },
    },
    Fault {
        name: "fault.replacement-of-missing-field",
        put: |draft| {
            draft.push(
                0,
                "replacements",
                "sourceValue: x\ntargets:\n- select:\n    kind: .*\n  fieldPaths: [no.such.field]\n",
            );
        },
    },
    Fault {
        name: "fault.replacement-without-targets",
        put: |draft| {
            draft.push(0, "replacements", "sourceValue: x\n");
        },
    },
    Fault {
        name: "fault.merge-into-nothing",
        put: |draft| {
            to_any(draft, "configMapGenerator", "name: nobody\nbehavior: merge\nliterals: [a=b]\n");
        },
    },
    Fault {
        name: "fault.bad-behavior",
        put: |draft| {
            to_any(draft, "configMapGenerator", "name: nobody\nbehavior: mix\nliterals: [a=b]\n");
        },
    },
    Fault {
        name: "fault.bad-literal",
        put: |draft| {
            to_any(draft, "configMapGenerator", "name: nobody\nliterals: [ab]\n");
        },
    },
    Fault {
        name: "fault.repeated-literal",
        put: |draft| {
            to_any(draft, "secretGenerator", "name: nobody\nliterals: [a=b, a=c]\n");
        },
    },
    Fault {
        name: "fault.missing-generator-file",
        put: |draft| {
            to_any(draft, "configMapGenerator", "name: nobody\nfiles: [nowhere.txt]\n");
        },
    },
    Fault {
        name: "fault.missing-environment",
        put: |draft| {
            to_any(draft, "configMapGenerator", "name: nobody\nenvs: [nowhere.env]\n");
        },
    },
    Fault {
        name: "fault.file-outside",
        put: |draft| {
            draft.layers[0].files.push(("../secret.txt".to_owned(), b"x".to_vec()));
            draft.unrestricted = false;
            draft.push(0, "configMapGenerator", "name: nobody\nfiles: [../secret.txt]\n");
        },
    },
    Fault {
        name: "fault.variable-of-nothing",
        put: |draft| {
            draft.push(0, "vars", "name: NONE\nobjref:\n  kind: Nobody\n  name: x\n  apiVersion: v1\n");
        },
    },
    Fault { name: "fault.bad-order", put: |draft| draft.set_block(0, "sortOptions", "order: none\n") },
    Fault {
        name: "fault.unknown-plugin",
        put: |draft| {
            to_any(
                draft,
                "transformers",
                "|\n  apiVersion: example.com/v1\n  kind: Custom\n  metadata:\n    name: x\n",
            );
        },
    },
    Fault {
        name: "fault.bad-configuration",
        put: |draft| {
            let layer = draft.layer();
            draft.layers[layer].files.push(("broken.yaml".to_owned(), b"namePrefix: {a: b}\n".to_vec()));
            draft.push(layer, "configurations", "broken.yaml");
        },
    },
    Fault {
        name: "fault.bad-header",
        put: |draft| {
            with_folder(draft, "apiVersion: v1\nkind: Kustomisation\nresources: []\n");
            draft.push(0, "resources", "../extra");
        },
    },
];

fn to_any(draft: &mut Draft, field: &'static str, entry: &str) {
    let layer = draft.layer();
    draft.push(layer, field, entry);
}

fn with_folder(draft: &mut Draft, kustomization: &str) {
    draft.layers[0].files.push(("../extra/kustomization.yaml".to_owned(), kustomization.as_bytes().to_vec()));
}

fn resource(draft: &mut Draft, text: &str) {
    let layer = draft.layer();
    draft.layers[layer].files.push(("broken.yaml".to_owned(), text.as_bytes().to_vec()));
    draft.push(layer, "resources", "broken.yaml");
}
