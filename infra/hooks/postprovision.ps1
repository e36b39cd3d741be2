# Run by azd after provisioning, on Windows: builds the image in the registry and deploys the app with it.
# postprovision.sh does the same elsewhere. Not here: what is deployed (infra/modules/app.bicep).
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false

foreach ($variable in 'AZURE_REGISTRY_NAME', 'RESOURCE_GROUP_NAME', 'AZURE_SUBSCRIPTION_ID') {
    if (-not (Test-Path "env:$variable")) { throw "$variable is not set; run this through azd: azd hooks run postprovision" }
}
function Assert-Success([string] $What) { if ($LASTEXITCODE -ne 0) { throw "$What failed (exit code $LASTEXITCODE)" } }

# The same sources have the same tag, so that a change of capacity builds nothing.
$known = $null
$tag = git rev-parse --short=12 HEAD 2>$null
if ($LASTEXITCODE -eq 0 -and -not (git status --porcelain 2>$null)) {
    $known = az acr repository show-tags --subscription $env:AZURE_SUBSCRIPTION_ID --name $env:AZURE_REGISTRY_NAME `
        --repository headroom --query "[?@=='$tag']" --output tsv 2>$null
} else {
    $tag = [DateTime]::UtcNow.ToString('yyyyMMddHHmmss')
}

if (-not $known) {
    Write-Host "Building headroom:$tag in the registry $env:AZURE_REGISTRY_NAME (about a quarter of an hour)"
    az acr build --subscription $env:AZURE_SUBSCRIPTION_ID --registry $env:AZURE_REGISTRY_NAME --platform linux/amd64 `
        --timeout 5400 --file Containerfile --image "headroom:$tag" .
    Assert-Success 'az acr build'
}

# The deployment that azd has just made holds the app's parameters; only the image is new.
$query = (Get-Content infra/hooks/app_parameters.jmespath) -join ''
$parameters = New-TemporaryFile
try {
    az deployment group show --subscription $env:AZURE_SUBSCRIPTION_ID --resource-group $env:RESOURCE_GROUP_NAME --name app `
        --query $query --output json | Set-Content -Path $parameters
    Assert-Success 'az deployment group show'
    $image = "$($env:AZURE_REGISTRY_NAME).azurecr.io/headroom:$tag"
    az deployment group create --subscription $env:AZURE_SUBSCRIPTION_ID --resource-group $env:RESOURCE_GROUP_NAME --name app `
        --template-file infra/modules/app.bicep --parameters "@$parameters" --parameters image=$image --output none
    Assert-Success 'az deployment group create'
} finally {
    Remove-Item $parameters
}

# The next `azd up` deploys this image at once.
azd env set HEADROOM_IMAGE $image
Assert-Success 'azd env set'
Write-Host "Headroom is at $env:CONTAINER_APP_URL"
