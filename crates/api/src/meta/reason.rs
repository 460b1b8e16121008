//! Reasons of conditions and events, spelled as in the API.

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: &str = $text;)*
    };
}

reasons! {
    /// It worked.
    SUCCEEDED = "Succeeded";
    /// It did not work.
    FAILED = "Failed";
    /// It is under way.
    PROGRESSING = "Progressing";
    /// It did not work and is tried again.
    PROGRESSING_WITH_RETRY = "ProgressingWithRetry";
    /// The object is suspended.
    SUSPENDED = "Suspended";
    /// A dependency is not ready.
    DEPENDENCY_NOT_READY = "DependencyNotReady";
    /// A path is missing or leaves its root.
    INVALID_PATH = "InvalidPath";
    /// A URL cannot be used.
    INVALID_URL = "InvalidURL";
    /// Plain HTTP is not allowed.
    INSECURE_CONNECTIONS_DISALLOWED = "InsecureConnectionsDisallowed";
    /// A protocol is not known.
    UNSUPPORTED_CONNECTION_TYPE = "UnsupportedConnectionType";
    /// Stale objects could not be deleted.
    PRUNE_FAILED = "PruneFailed";
    /// The source's artifact could not be had.
    ARTIFACT_FAILED = "ArtifactFailed";
    /// Manifests or a chart could not be built.
    BUILD_FAILED = "BuildFailed";
    /// Objects did not become healthy.
    HEALTH_CHECK_FAILED = "HealthCheckFailed";
    /// A newer state ended the health check.
    HEALTH_CHECK_CANCELED = "HealthCheckCanceled";
    /// The run ended well.
    RECONCILIATION_SUCCEEDED = "ReconciliationSucceeded";
    /// The run ended badly.
    RECONCILIATION_FAILED = "ReconciliationFailed";
    /// A CEL expression is wrong.
    INVALID_CEL_EXPRESSION = "InvalidCELExpression";
    /// A feature gate is off.
    FEATURE_GATE_DISABLED = "FeatureGateDisabled";
    /// A reference to another namespace is not allowed.
    ACCESS_DENIED = "AccessDenied";

    /// A source's URL cannot be used.
    URL_INVALID = "URLInvalid";
    /// Credentials are missing or refused.
    AUTHENTICATION_FAILED = "AuthenticationFailed";
    /// A signature does not hold.
    VERIFICATION_ERROR = "VerificationError";
    /// A folder could not be made.
    DIRECTORY_CREATION_FAILED = "DirectoryCreationFailed";
    /// A file could not be looked at.
    STAT_OPERATION_FAILED = "StatOperationFailed";
    /// A file could not be read.
    READ_OPERATION_FAILED = "ReadOperationFailed";
    /// The artifact's lock could not be had.
    ACQUIRE_LOCK_FAILED = "AcquireLockFailed";
    /// The artifact could not be packed.
    ARCHIVE_OPERATION_FAILED = "ArchiveOperationFailed";
    /// The stable link could not be moved.
    SYMLINK_UPDATE_FAILED = "SymlinkUpdateFailed";
    /// The stored artifact is that of the remote's revision.
    ARTIFACT_UP_TO_DATE = "ArtifactUpToDate";
    /// A cache failed.
    CACHE_OPERATION_FAILED = "CacheOperationFailed";
    /// A patch of the object failed.
    PATCH_OPERATION_FAILED = "PatchOperationFailed";
    /// A bucket's STS settings do not fit.
    INVALID_STS_CONFIGURATION = "InvalidSTSConfiguration";
    /// A provider's settings do not fit.
    INVALID_PROVIDER_CONFIGURATION = "InvalidProviderConfiguration";
    /// Ignore rules could not be read.
    SOURCE_IGNORE_ERROR = "SourceIgnoreError";
    /// A copy of an included repository failed.
    COPY_FAILURE = "CopyFailure";
    /// A path leaves its root.
    ILLEGAL_PATH = "IllegalPath";
    /// A new artifact is stored.
    NEW_ARTIFACT = "NewArtifact";
    /// A newer revision is known.
    NEW_REVISION = "NewRevision";
    /// An included repository has changed.
    INCLUDE_CHANGE = "IncludeChange";
    /// Old artifacts were removed.
    GARBAGE_COLLECTION_SUCCEEDED = "GarbageCollectionSucceeded";
    /// Old artifacts could not be removed.
    GARBAGE_COLLECTION_FAILED = "GarbageCollectionFailed";
    /// A stored artifact does not have its digest.
    ARTIFACT_VERIFICATION_FAILED = "ArtifactVerificationFailed";
    /// Git went well.
    GIT_OPERATION_SUCCEEDED = "GitOperationSucceeded";
    /// Git did not go well.
    GIT_OPERATION_FAILED = "GitOperationFailed";
    /// The repository has no commit.
    EMPTY_GIT_REPOSITORY = "EmptyGitRepository";
    /// The verification mode is not known.
    INVALID_VERIFICATION_MODE = "InvalidVerificationMode";
    /// There is no such object.
    NOT_FOUND = "NotFound";
    /// The source has no artifact yet.
    NO_ARTIFACT = "NoArtifact";
    /// An OCI artifact could not be pulled.
    OCI_ARTIFACT_PULL_FAILED = "OCIArtifactPullFailed";
    /// A layer of an OCI artifact could not be used.
    OCI_ARTIFACT_LAYER_OPERATION_FAILED = "OCIArtifactLayerOperationFailed";
    /// An index of a chart repository could not be had.
    INDEXATION_FAILED = "IndexationFailed";
    /// A chart was pulled.
    CHART_PULL_SUCCEEDED = "ChartPullSucceeded";
    /// A chart was packaged.
    CHART_PACKAGE_SUCCEEDED = "ChartPackageSucceeded";
    /// A bucket was read.
    BUCKET_OPERATION_SUCCEEDED = "BucketOperationSucceeded";
    /// A bucket could not be read.
    BUCKET_OPERATION_FAILED = "BucketOperationFailed";

    /// An ArtifactGenerator's source could not be had.
    SOURCE_FETCH_FAILED = "SourceFetchFailed";
    /// An ArtifactGenerator's spec contradicts itself.
    VALIDATION_FAILED = "ValidationFailed";
    /// An ArtifactGenerator is switched off.
    RECONCILIATION_DISABLED = "ReconciliationDisabled";
}
