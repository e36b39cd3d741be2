#!/bin/sh
# Run by azd after provisioning: builds the image in the registry (no Docker needed here) and deploys the app with it.
# postprovision.ps1 does the same on Windows. Not here: what is deployed (infra/modules/app.bicep).
set -eu

: "${AZURE_REGISTRY_NAME:?run this through azd: azd hooks run postprovision}"
: "${RESOURCE_GROUP_NAME:?}" "${AZURE_SUBSCRIPTION_ID:?}"

# The same sources have the same tag, so that a change of capacity builds nothing.
known=
if tag=$(git rev-parse --short=12 HEAD 2>/dev/null) && [ -z "$(git status --porcelain 2>/dev/null)" ]; then
    known=$(az acr repository show-tags --subscription "$AZURE_SUBSCRIPTION_ID" --name "$AZURE_REGISTRY_NAME" \
        --repository headroom --query "[?@=='$tag']" --output tsv 2>/dev/null || true)
else
    tag=$(date -u +%Y%m%d%H%M%S)
fi

if [ -z "$known" ]; then
    echo "Building headroom:$tag in the registry $AZURE_REGISTRY_NAME (about a quarter of an hour)"
    az acr build --subscription "$AZURE_SUBSCRIPTION_ID" --registry "$AZURE_REGISTRY_NAME" --platform linux/amd64 \
        --timeout 5400 --file Containerfile --image "headroom:$tag" .
fi

# The deployment that azd has just made holds the app's parameters; only the image is new.
parameters=$(mktemp)
trap 'rm -f "$parameters"' EXIT
az deployment group show --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$RESOURCE_GROUP_NAME" --name app \
    --query "$(tr -d '\n' <infra/hooks/app_parameters.jmespath)" --output json >"$parameters"

image="$AZURE_REGISTRY_NAME.azurecr.io/headroom:$tag"
az deployment group create --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$RESOURCE_GROUP_NAME" --name app \
    --template-file infra/modules/app.bicep --parameters "@$parameters" --parameters image="$image" --output none

# The next `azd up` deploys this image at once.
azd env set HEADROOM_IMAGE "$image"
echo "Headroom is at ${CONTAINER_APP_URL:-the URL that azd env get-values shows}"
